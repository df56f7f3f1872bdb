/* Sleeping on a number in shared memory; of shared.h, in a file of its own for those who put other operations around it. */
#ifndef SCOPE_FUTEX_H
#define SCOPE_FUTEX_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while `at` holds `expected`, until it is woken or CLOCK_MONOTONIC passes `deadline_ns`; false only for the latter. A
 * signal wakes, too: the caller looks again at what it waits for. */
static inline bool scope_futex_wait(_Atomic uint32_t *at, uint32_t expected, uint64_t deadline_ns)
{
    struct timespec until = {(time_t)(deadline_ns / UINT64_C(1000000000)), (long)(deadline_ns % UINT64_C(1000000000))};
    long slept = syscall(SYS_futex, at, FUTEX_WAIT_BITSET, expected, &until, NULL, FUTEX_BITSET_MATCH_ANY);
    return slept == 0 || errno != ETIMEDOUT;
}

/* Wakes all that sleep on `at`. */
static inline void scope_futex_wake(_Atomic uint32_t *at)
{
    syscall(SYS_futex, at, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#endif
