/* The writer's side of a lane: reserve, write, commit.
 *
 * Format: positions are byte counts that never wrap; a lane's bytes are at `position & (capacity - 1)`. A record never
 * crosses a block; every block begins with a BLOCK record that carries the number of the next event.
 *
 * Commit point: the release store of `tail`, alone. A writer killed anywhere leaves a readable prefix.
 *
 * Overwrite oldest: a writer that enters a block announces its end in `intent` *before* it touches the block:
 *
 *     writer                                   reader
 *     intent = end            (relaxed)        t = tail                 (acquire)
 *     fence                   (release)        copy bytes below t
 *     payload                 (relaxed)        fence                    (acquire)
 *     tail = ...              (release)        i = intent               (relaxed)
 *                                              keep what is at or above i - capacity
 *
 * If the copy saw one byte of the new lap, the fences make the reader see the intent that announced it, and the byte is
 * thrown away. A release store of intent instead of the fence would not do: it orders what came before it, while the
 * payload stores come after.
 *
 * Discard newest: a block is entered only when the collector's `head` has left it. `head` is cached, and loaded again only
 * when the lane looks full. What found no room is counted; the next success writes a GAP first.
 *
 * No loop over shared memory: the number of steps of a write is bounded.
 */
#ifndef SCOPE_RING_H
#define SCOPE_RING_H

#include "record.h"
#include "segment.h"

typedef struct {
    scope_word *data;
    scope_lane_control *control;
    uint64_t mask; /* capacity - 1 */
    uint64_t tail;
    uint64_t limit; /* records may be reserved up to here without entering a block */
    uint64_t sequence; /* number of the next event */
    uint64_t cached_head;
    uint64_t gap; /* events lost since the last GAP record */
    uint64_t gap_since_ns;
    uint32_t block_bytes;
    uint32_t lane;
    uint8_t policy;
    uint8_t busy;
} scope_ring;

/* The slow path of scope_ring_reserve: enters blocks, writes GAPs. */
scope_word *scope_ring_reserve_slow(scope_ring *ring, uint64_t words);

/* Room for a record of `words` at the current position; NULL where there is none (counted). The caller stores the words
 * (relaxed), then commits. A second reserve before the commit (a signal handler, a finaliser) is refused and counted. */
static inline scope_word *scope_ring_reserve(scope_ring *ring, uint64_t words)
{
    if (__builtin_expect(ring->busy, 0)) {
        scope_count_lost(&ring->control->lost[SCOPE_LOST_REENTRANT], 1);
        return NULL;
    }
    if (__builtin_expect(ring->tail + words * 8 > ring->limit, 0) && !scope_ring_reserve_slow(ring, words))
        return NULL;
    ring->busy = 1;
    return ring->data + (ring->tail & ring->mask) / 8;
}

/* Makes the reserved record visible; it is one event. */
static inline void scope_ring_commit(scope_ring *ring, uint64_t words)
{
    ring->tail += words * 8;
    ring->sequence++;
    /* pairs with the acquire load in the reader */
    scope_store_release(&ring->control->tail, ring->tail);
    ring->busy = 0;
}

/* Takes a lane for the calling thread: a retired one of this process, else a free one. 0; -1 where all are owned; -2 where
 * the disk is full. `name` is the thread's, not terminated. */
int scope_lane_claim(scope_segment *segment, scope_ring *ring, uint32_t thread_id, const char *name, size_t length);

/* Gives the lane back; another thread of the process may take it. */
void scope_lane_retire(scope_ring *ring);

static inline enum scope_lane_state scope_lane_state(uint64_t ownership)
{
    return (enum scope_lane_state)(ownership & 0xFF);
}

#endif
