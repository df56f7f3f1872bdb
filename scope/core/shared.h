/* Loads, stores and fences of memory that another thread or process may touch, by their order. Nothing else in the core
 * touches such memory once it is shared.
 *
 * The builds that verify the ring put operations of their own in place of these: they name a header in SCOPE_SHARED_HEADER
 * that defines the same functions. What is verified is so, line for line, the source that ships.
 *
 * Each use names the partner that it pairs with.
 */
#ifndef SCOPE_SHARED_H
#define SCOPE_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A word of a lane's data. Writers store it relaxed, readers load it relaxed: what orders them is around it. */
typedef _Atomic uint64_t scope_word;

/* A number that threads of several processes sleep on while it does not change. */
typedef _Atomic uint32_t scope_futex;

#ifdef SCOPE_SHARED_HEADER
#include SCOPE_SHARED_HEADER
#else

#include "futex.h"

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
    atomic_store_explicit(at, value, memory_order_relaxed);
}

static inline void scope_store_release(scope_word *at, uint64_t value)
{
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

/* Sequentially consistent: of two parties that each store, pass this and load what the other stores, one sees the other. */
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

/* Stores `value` where `expected` still stands; acquire if it does. */
static inline bool scope_replace_acquire(scope_word *at, uint64_t expected, uint64_t value)
{
    return atomic_compare_exchange_strong_explicit(at, &expected, value, memory_order_acquire, memory_order_relaxed);
}

#endif

/* `size` bytes into whole words, the last one padded with zeroes; relaxed. */
static inline void scope_store_bytes(scope_word *to, const void *from, uint64_t size)
{
    const uint8_t *bytes = from;
    uint64_t word;
    for (; size >= 8; size -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        scope_store_relaxed(to++, word);
    }
    if (size) {
        word = 0;
        memcpy(&word, bytes, size);
        scope_store_relaxed(to, word);
    }
}

/* Whole words into private memory; relaxed. */
static inline void scope_load_bytes(uint8_t *to, const scope_word *from, uint64_t words)
{
    for (uint64_t index = 0; index < words; index++) {
        uint64_t word = scope_load_relaxed(from + index);
        memcpy(to + 8 * index, &word, 8);
    }
}

#endif
