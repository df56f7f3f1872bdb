/* The clock of events: CLOCK_MONOTONIC, to within some tens of nanoseconds, at half the cost of asking for it.
 *
 * Asking takes 22 ns, and a recorded call asks twice. What the kernel does meanwhile is to read the processor's time-stamp
 * counter, which takes 9 ns, and to add to what its clock and the counter were at its last tick. The same is done here, with
 * our own reading of both, which is made anew each millisecond.
 *
 * - Readings never go backwards, and all of a process come from one clock, whatever thread makes them.
 * - How long a tick of the counter is, is measured: over 10 ms at first, then each second. Until it is known, and whenever
 *   the counter has moved by more than a millisecond, or backwards, the kernel is asked.
 * - Each such answer is held against what the counter would have said. Where they differ by more than a slewed clock explains,
 *   what was measured is forgotten; after some times for good.
 * - The counter is used where the kernel has chosen it for its own clock: then it runs at a constant rate, alike on all
 *   processors. On other machines every reading is the kernel's.
 */
#ifndef SCOPE_EVENT_CLOCK_H
#define SCOPE_EVENT_CLOCK_H

#include <stdbool.h>

#include "clock.h"

typedef struct {
    bool usable; /* the counter is */
    uint32_t distrusted; /* how often it was not what it should be */
    uint64_t factor; /* nanoseconds of a tick, times 2^32; 0: not known */
    uint64_t window; /* ticks from one reading of both clocks to the next */
    uint64_t ticks, ns; /* the last reading of both */
    uint64_t since_ticks, since_ns; /* from where on a tick is measured */
    uint64_t last_ns; /* what was told last */
} scope_event_clock;

/* One reading of both clocks, given as parameters so that any machine's can be tried. */
typedef struct {
    uint64_t ticks, ns;
} scope_clock_pair;

/* Guarded by the GIL. */
extern scope_event_clock scope_events_clock;

/* Whether the counter can be used on this machine is found out; to be called once. */
void scope_event_clock_init(scope_event_clock *clock);

/* Takes a reading of both clocks; the nanoseconds that are told for it. */
uint64_t scope_event_clock_anchor(scope_event_clock *clock, scope_clock_pair now);

/* The time where the counter alone does not tell it. */
uint64_t scope_event_clock_slow(scope_event_clock *clock);

static inline uint64_t scope_event_clock_told(scope_event_clock *clock, uint64_t now_ns)
{
    return clock->last_ns = now_ns > clock->last_ns ? now_ns : clock->last_ns;
}

/* The time where `ticks` is what the counter shows. */
static inline uint64_t scope_event_clock_at(scope_event_clock *clock, uint64_t ticks)
{
    uint64_t passed = ticks - clock->ticks;
    if (__builtin_expect(passed >= clock->window, 0))
        return scope_event_clock_slow(clock);
    return scope_event_clock_told(clock, clock->ns + (passed * clock->factor >> 32));
}

#if defined(__x86_64__)
static inline uint64_t scope_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
#else
static inline uint64_t scope_ticks(void)
{
    return 0;
}
#endif

/* The time of an event that is written now. */
static inline uint64_t scope_event_now(void)
{
    scope_event_clock *clock = &scope_events_clock;
    if (__builtin_expect(clock->window == 0, 0))
        return scope_event_clock_slow(clock);
    return scope_event_clock_at(clock, scope_ticks());
}

#endif
