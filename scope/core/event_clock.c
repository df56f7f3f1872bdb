/* Readings of the kernel's clock and of the counter, and what follows from them: event_clock.h. */
#include "event_clock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_NS UINT64_C(1000000)
#define FIRST_MEASURE_NS UINT64_C(10000000)
#define MEASURE_NS UINT64_C(1000000000)
#define LONGEST_NS UINT64_C(60000000000) /* after which nothing is compared: the machine may have been suspended */
#define TOLERANCE_NS 2000
#define SLEW 500 /* the kernel changes its clock's rate by one part in 2000 at most; four times that is none of its doing */
#define DISTRUST_AT_MOST 3
#define CLOSE_TICKS 1000 /* two readings of the counter, with one of the clock between them, that nothing came between */
#define TRIES 3
#define ONE 4294967296.0 /* of what a factor counts */

scope_event_clock scope_events_clock;

static bool kernel_uses_counter(void)
{
#if defined(__x86_64__)
    char name[8] = "";
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, name, sizeof name - 1);
    close(fd);
    return size >= 4 && memcmp(name, "tsc\n", 4) == 0;
#else
    return false;
#endif
}

void scope_event_clock_init(scope_event_clock *clock)
{
    *clock = (scope_event_clock){.usable = kernel_uses_counter()};
}

static scope_clock_pair read_both(void)
{
    scope_clock_pair pair = {0, 0};
    uint64_t apart = UINT64_MAX;
    for (int tries = 0; tries < TRIES && apart > CLOSE_TICKS; tries++) {
        uint64_t before = scope_ticks(), ns = scope_clock_now(), after = scope_ticks();
        if (after - before < apart) {
            apart = after - before;
            pair = (scope_clock_pair){before + apart / 2, ns};
        }
    }
    return pair;
}

static void forget(scope_event_clock *clock, scope_clock_pair now)
{
    clock->factor = clock->window = 0;
    clock->since_ticks = now.ticks;
    clock->since_ns = now.ns;
}

/* Whether the counter has moved as far as what was measured lets expect. */
static bool as_expected(const scope_event_clock *clock, scope_clock_pair now)
{
    double passed_ns = (double)(now.ns - clock->ns);
    double told_ns = (double)(now.ticks - clock->ticks) * (double)clock->factor / ONE;
    double off_ns = told_ns > passed_ns ? told_ns - passed_ns : passed_ns - told_ns;
    return off_ns <= TOLERANCE_NS + passed_ns / SLEW;
}

static void measure(scope_event_clock *clock, scope_clock_pair now)
{
    uint64_t passed_ns = now.ns - clock->since_ns, passed = now.ticks - clock->since_ticks;
    if (passed_ns < (clock->factor ? MEASURE_NS : FIRST_MEASURE_NS))
        return;
    double factor = (double)passed_ns / (double)passed * ONE;
    clock->since_ticks = now.ticks;
    clock->since_ns = now.ns;
    if (!(factor >= 1 << 20 && factor <= (double)(UINT64_C(1) << 40)))
        return; /* of a counter between 4 MHz and 4 THz */
    clock->factor = (uint64_t)factor;
    clock->window = (uint64_t)((double)WINDOW_NS * ONE / factor);
}

uint64_t scope_event_clock_anchor(scope_event_clock *clock, scope_clock_pair now)
{
    bool is_idle = now.ns - clock->ns > LONGEST_NS;
    if (clock->factor && !is_idle && !as_expected(clock, now)) {
        forget(clock, now);
        clock->usable = ++clock->distrusted < DISTRUST_AT_MOST;
    } else if (is_idle) {
        forget(clock, now);
    } else {
        measure(clock, now);
    }
    clock->ticks = now.ticks;
    clock->ns = now.ns > clock->last_ns ? now.ns : clock->last_ns;
    return scope_event_clock_told(clock, now.ns);
}

uint64_t scope_event_clock_slow(scope_event_clock *clock)
{
    if (!clock->usable)
        return scope_event_clock_told(clock, scope_clock_now());
    return scope_event_clock_anchor(clock, read_both());
}
