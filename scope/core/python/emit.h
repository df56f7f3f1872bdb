/* Writes one event into the calling thread's lane.
 *
 * Where the policy is to block, the GIL may be released and taken back in scope_ring_reserve(), and at no other moment:
 * whoever emits holds what it uses afterwards. From there to the commit nobody else runs.
 */
#ifndef SCOPE_EMIT_H
#define SCOPE_EMIT_H

#include "../event_clock.h"
#include "runtime.h"

/* The ring to write an event of `request` to; NULL when its session is gone, as in a forked child. */
static inline scope_ring *scope_request_ring(const RequestObject *request)
{
    SessionObject *session = runtime.session;
    if (__builtin_expect(!session || session->serial != request->serial, 0)) {
        scope_count_forked();
        return NULL;
    }
    return scope_thread_ring(session);
}

static inline void scope_write_prefix(scope_word *words, const scope_ring *ring, uint8_t type, uint64_t length,
                                      uint64_t time_ns, uint64_t key, uint32_t site, uint32_t span, uint32_t parent)
{
    scope_store_relaxed(words, scope_header(type, length, ring->tail, key));
    scope_store_relaxed(words + 1, time_ns);
    scope_store_relaxed(words + 2, (uint32_t)key | (uint64_t)site << 32);
    scope_store_relaxed(words + 3, span | (uint64_t)parent << 32);
}

/* An event without payload. */
static inline void scope_emit(const RequestObject *request, uint8_t type, uint32_t site, uint32_t span, uint32_t parent)
{
    scope_ring *ring = scope_request_ring(request);
    if (!ring)
        return;
    uint64_t now_ns = scope_event_now(), key = request->key;
    scope_word *words = scope_ring_reserve(ring, SCOPE_PREFIX_WORDS);
    if (!words)
        return;
    scope_write_prefix(words, ring, type, SCOPE_PREFIX_WORDS, now_ns, key, site, span, parent);
    scope_ring_commit(ring, SCOPE_PREFIX_WORDS);
}

/* Writes an event with `size` bytes of payload, padded here. */
static inline void scope_write_event(scope_ring *ring, uint64_t now_ns, uint64_t key, uint8_t type, uint32_t site,
                                     uint32_t span, uint32_t parent, const void *payload, size_t size)
{
    uint64_t length = SCOPE_PREFIX_WORDS + (size + 7) / 8;
    scope_word *words = scope_ring_reserve(ring, length);
    if (!words)
        return;
    scope_write_prefix(words, ring, type, length, now_ns, key, site, span, parent);
    scope_store_bytes(words + SCOPE_PREFIX_WORDS, payload, size);
    scope_ring_commit(ring, length);
}

/* An event of a request that happened at `now_ns`. */
static inline void scope_emit_payload_at(const RequestObject *request, uint64_t now_ns, uint8_t type, uint32_t site,
                                         uint32_t span, uint32_t parent, const void *payload, size_t size)
{
    scope_ring *ring = scope_request_ring(request);
    if (ring)
        scope_write_event(ring, now_ns, request->key, type, site, span, parent, payload, size);
}

/* An event of no request, but of the process; nothing where it has no session. */
static inline void scope_emit_of_process(uint64_t now_ns, uint8_t type, uint32_t site, const void *payload, size_t size)
{
    scope_ring *ring = runtime.session ? scope_thread_ring(runtime.session) : NULL;
    if (ring)
        scope_write_event(ring, now_ns, 0, type, site, 0, 0, payload, size);
}

static inline void scope_emit_payload(const RequestObject *request, uint8_t type, uint32_t site, uint32_t span,
                                      uint32_t parent, const void *payload, size_t size)
{
    scope_emit_payload_at(request, scope_event_now(), type, site, span, parent, payload, size);
}

#endif
