/* Ids: random bytes for traces, a bijection for the spans of a request. */
#ifndef SCOPE_IDS_H
#define SCOPE_IDS_H

#include <stdint.h>

#define SCOPE_GOLDEN UINT64_C(0x9E3779B97F4A7C15)

/* SplitMix64's finaliser (Steele, Lea and Flood, 2014): a bijection on 64 bits. */
static inline uint64_t scope_mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* The W3C id of span `number` of the request whose root span is `root`; see docs/design/wire.md. */
static inline uint64_t scope_span_id(uint64_t root, uint32_t number)
{
    if (number <= 1)
        return root;
    uint64_t id = scope_mix64(root + number * SCOPE_GOLDEN);
    return id ? id : 1;
}

/* A counter-based generator: 128 bits of state from the kernel, mixed twice; distinct in every process and fork. */
typedef struct {
    uint64_t key;
    uint64_t counter;
} scope_random;

/* Seeds from the kernel; 0, or -1 with errno set. */
int scope_random_seed(scope_random *random);

static inline uint64_t scope_random_next(scope_random *random)
{
    uint64_t value;
    do {
        random->counter += SCOPE_GOLDEN;
        value = scope_mix64(scope_mix64(random->counter) ^ random->key);
    } while (value == 0);
    return value;
}

#endif
