/* The operations of scope/core/shared.h for the thread sanitizer, which follows loads and stores and knows no fences.
 *
 * A relaxed access of an atomic word never is a race, so a sanitizer sees nothing wrong with bytes that are read too early:
 * made as they ship, these accesses would leave it nothing to find. Hence a test names the words that only one thread at a
 * time may touch (the data of a lane that overwrites nothing, definitions, what an owner leaves to the next). Relaxed
 * accesses to those are made plain here, and every one of them must be ordered by an acquire that pairs with a release.
 *
 * Overwriting the oldest is meant to race: its words stay atomic. The fences that make it safe are emitted, but what they
 * order is beyond this sanitizer.
 *
 * A test can take the release or the acquire of words away: the sanitizer must complain then, or it would not have seen
 * that the core forgot it.
 */
#ifndef SCOPE_RACES_SHARED_H
#define SCOPE_RACES_SHARED_H

#include "futex.h"

#define SCOPE_WORDS_MAX 16

/* Words by their address. Set before threads start. */
typedef struct {
    unsigned count;
    struct {
        uintptr_t from, to;
    } ranges[SCOPE_WORDS_MAX];
} scope_words;

/* Weak, as every source of the core has a copy. */
__attribute__((weak)) scope_words scope_plain, scope_unreleased, scope_unacquired;

static inline bool scope_is_among(const void *at, const scope_words *words)
{
    for (unsigned index = 0; index < words->count; index++)
        if ((uintptr_t)at >= words->ranges[index].from && (uintptr_t)at < words->ranges[index].to)
            return true;
    return false;
}

static inline uint64_t scope_load_relaxed(const scope_word *at)
{
    return scope_is_among(at, &scope_plain) ? *(const uint64_t *)at : atomic_load_explicit(at, memory_order_relaxed);
}

static inline uint64_t scope_load_acquire(const scope_word *at)
{
    if (scope_is_among(at, &scope_unacquired))
        return atomic_load_explicit(at, memory_order_relaxed);
    return atomic_load_explicit(at, memory_order_acquire);
}

static inline void scope_store_relaxed(scope_word *at, uint64_t value)
{
    if (scope_is_among(at, &scope_plain))
        *(uint64_t *)at = value;
    else
        atomic_store_explicit(at, value, memory_order_relaxed);
}

static inline void scope_store_release(scope_word *at, uint64_t value)
{
    if (scope_is_among(at, &scope_unreleased))
        atomic_store_explicit(at, value, memory_order_relaxed);
    else
        atomic_store_explicit(at, value, memory_order_release);
}

#pragma GCC diagnostic push
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan" /* "not supported": see above */
#endif

static inline void scope_fence_acquire(void)
{
    atomic_thread_fence(memory_order_acquire);
}

static inline void scope_fence_release(void)
{
    atomic_thread_fence(memory_order_release);
}

static inline void scope_fence_full(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

#pragma GCC diagnostic pop

static inline uint32_t scope_load_relaxed32(const _Atomic uint32_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

static inline void scope_store_relaxed32(_Atomic uint32_t *at, uint32_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

static inline uint32_t scope_load_acquire32(const _Atomic uint32_t *at)
{
    return atomic_load_explicit(at, memory_order_acquire);
}

static inline void scope_store_release32(_Atomic uint32_t *at, uint32_t value)
{
    atomic_store_explicit(at, value, memory_order_release);
}

static inline void scope_add_relaxed(scope_word *at, uint64_t addend)
{
    atomic_fetch_add_explicit(at, addend, memory_order_relaxed);
}

static inline bool scope_replace_acquire(scope_word *at, uint64_t expected, uint64_t value)
{
    if (scope_is_among(at, &scope_unacquired))
        return atomic_compare_exchange_strong_explicit(at, &expected, value, memory_order_relaxed, memory_order_relaxed);
    return atomic_compare_exchange_strong_explicit(at, &expected, value, memory_order_acquire, memory_order_relaxed);
}

#endif
