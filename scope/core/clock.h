/* Clocks of the host, in nanoseconds. */
#ifndef SCOPE_CLOCK_H
#define SCOPE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t scope_clock_read(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* The clock of every record: never steps, shared by all processes of the host. */
static inline uint64_t scope_clock_now(void)
{
    return scope_clock_read(CLOCK_MONOTONIC);
}

#endif
