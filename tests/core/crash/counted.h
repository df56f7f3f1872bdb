/* In place of the operations of scope/core/shared.h: the same ones, and each store is counted before it is carried out.
 *
 * Whoever counts defines scope_crash_step; where nobody does, nothing is counted.
 */
#ifndef SCOPE_COUNTED_H
#define SCOPE_COUNTED_H

#include "futex.h"

__attribute__((weak, visibility("default"))) void scope_crash_step(void);

static inline void scope_count_step(void)
{
    if (scope_crash_step)
        scope_crash_step();
}

static inline uint64_t scope_load_relaxed(const scope_word *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

static inline uint64_t scope_load_acquire(const scope_word *at)
{
    return atomic_load_explicit(at, memory_order_acquire);
}

static inline void scope_store_relaxed(scope_word *at, uint64_t value)
{
    scope_count_step();
    atomic_store_explicit(at, value, memory_order_relaxed);
}

static inline void scope_store_release(scope_word *at, uint64_t value)
{
    scope_count_step();
    atomic_store_explicit(at, value, memory_order_release);
}

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

static inline uint32_t scope_load_relaxed32(const _Atomic uint32_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

static inline void scope_store_relaxed32(_Atomic uint32_t *at, uint32_t value)
{
    scope_count_step();
    atomic_store_explicit(at, value, memory_order_relaxed);
}

static inline uint32_t scope_load_acquire32(const _Atomic uint32_t *at)
{
    return atomic_load_explicit(at, memory_order_acquire);
}

static inline void scope_store_release32(_Atomic uint32_t *at, uint32_t value)
{
    scope_count_step();
    atomic_store_explicit(at, value, memory_order_release);
}

static inline void scope_add_relaxed(scope_word *at, uint64_t addend)
{
    scope_count_step();
    atomic_fetch_add_explicit(at, addend, memory_order_relaxed);
}

static inline bool scope_replace_acquire(scope_word *at, uint64_t expected, uint64_t value)
{
    scope_count_step();
    return atomic_compare_exchange_strong_explicit(at, &expected, value, memory_order_acquire, memory_order_relaxed);
}

#endif
