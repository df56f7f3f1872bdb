/* The clock of events: what it tells between two readings of the kernel's clock, and when it trusts the counter. */
#include "event_clock.h"

#include <stdlib.h>

#include "check.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

/* A machine whose counter has 5 ticks for 2 ns, and some start. */
static scope_clock_pair at(uint64_t ns)
{
    return (scope_clock_pair){.ticks = 7000 + ns / 2 * 5, .ns = SECOND + ns};
}

static uint64_t told(scope_event_clock *clock, uint64_t ns)
{
    return scope_event_clock_at(clock, at(ns).ticks) - SECOND;
}

/* One that has read both clocks for 12 ms, the last time at 12 ms. */
static scope_event_clock learned(void)
{
    scope_event_clock clock = {.usable = true};
    for (uint64_t ms = 0; ms <= 12; ms++)
        scope_event_clock_anchor(&clock, at(ms * MS));
    return clock;
}

static bool is_known(const scope_event_clock *clock)
{
    return clock->window != 0;
}

static void the_length_of_a_tick_is_learned(void)
{
    scope_event_clock clock = {.usable = true};
    for (uint64_t ms = 0; ms < 10; ms++)
        CHECK(scope_event_clock_anchor(&clock, at(ms * MS)) == SECOND + ms * MS && !is_known(&clock), "known after %llu ms",
              (unsigned long long)ms);
    scope_event_clock_anchor(&clock, at(11 * MS));
    CHECK(is_known(&clock), "not known after 11 ms");
}

static void between_two_readings_the_counter_tells(void)
{
    scope_event_clock clock = learned();
    for (uint64_t ns = 12 * MS; ns < 13 * MS; ns += 997) {
        uint64_t now = told(&clock, ns);
        CHECK(now <= ns && ns - now <= 2, "%llu at %llu", (unsigned long long)now, (unsigned long long)ns);
    }
}

static void time_never_goes_backwards(void)
{
    scope_event_clock clock = learned();
    uint64_t late = told(&clock, 12 * MS + 900000);
    CHECK(told(&clock, 12 * MS + 400000) == late, "another thread's earlier reading is told as earlier");
    scope_clock_pair now = at(13 * MS);
    now.ns -= 300000; /* the kernel's clock was slowed */
    CHECK(scope_event_clock_anchor(&clock, now) >= late + SECOND, "the kernel's reading is told though it is earlier");
    CHECK(told(&clock, 13 * MS + 10) >= late, "what follows is earlier");
}

static void a_slewed_clock_is_followed(void)
{
    scope_event_clock clock = learned();
    for (uint64_t ms = 13; ms < 5000; ms++) {
        scope_clock_pair now = at(ms * MS);
        now.ns += (ms - 12) * 500; /* one part in 2000 faster */
        scope_event_clock_anchor(&clock, now);
        uint64_t later = scope_event_clock_at(&clock, now.ticks + 2000000) - now.ns;
        CHECK(llabs((long long)later - 800000) <= 500, "0.8 ms later it is %llu", (unsigned long long)later);
    }
    CHECK(is_known(&clock) && clock.distrusted == 0, "distrusted %u times", clock.distrusted);
}

static void a_counter_that_jumps_is_measured_anew(void)
{
    static const int64_t jumps[] = {1 << 20, -(1 << 20)};
    for (int number = 0; number < 2; number++) {
        scope_event_clock clock = learned();
        scope_clock_pair now = at(13 * MS);
        now.ticks += (uint64_t)jumps[number];
        CHECK(scope_event_clock_anchor(&clock, now) == now.ns, "the kernel's reading is not told");
        CHECK(!is_known(&clock) && clock.usable, "jump %d is not noticed", number);
        now.ticks += 25 * MS;
        now.ns += 10 * MS;
        scope_event_clock_anchor(&clock, now);
        CHECK(is_known(&clock), "it is not learned again after jump %d", number);
    }
}

static void a_counter_that_jumps_often_is_used_no_more(void)
{
    scope_event_clock clock = learned();
    uint64_t jumped = 0;
    for (uint64_t ms = 13; ms < 200 && clock.usable; ms++) {
        scope_clock_pair now = at(ms * MS);
        now.ticks += jumped += ms % 20 == 0 ? 1 << 20 : 0;
        scope_event_clock_anchor(&clock, now);
    }
    CHECK(!clock.usable && !is_known(&clock), "usable");
    uint64_t before = scope_clock_now(), now = scope_event_clock_slow(&clock);
    CHECK(now >= before && now <= scope_clock_now(), "the kernel is not asked");
}

static void a_long_pause_is_no_fault(void)
{
    scope_event_clock clock = learned();
    scope_clock_pair now = at(120 * SECOND);
    now.ticks += UINT64_C(1) << 40; /* the machine was suspended, its clock too */
    CHECK(scope_event_clock_anchor(&clock, now) == now.ns, "the kernel's reading is not told");
    CHECK(!is_known(&clock) && clock.distrusted == 0, "distrusted %u times", clock.distrusted);
}

static void a_counter_that_stands_still_is_never_used(void)
{
    scope_event_clock clock = {.usable = true};
    for (uint64_t ms = 0; ms < 50; ms++)
        scope_event_clock_anchor(&clock, (scope_clock_pair){7, SECOND + ms * MS});
    CHECK(!is_known(&clock), "a tick has a length");
}

/* Whatever this machine has: no further from the kernel's clock than two windows. */
static void this_machines_clock_is_the_kernels(void)
{
    scope_event_clock_init(&scope_events_clock);
    uint64_t last = 0;
    for (uint64_t begin = scope_clock_now(), before = begin; before < begin + 50 * MS; before = scope_clock_now()) {
        uint64_t now = scope_event_now(), after = scope_clock_now();
        CHECK(now >= last && now + 2 * MS >= before && now <= after + 2 * MS, "%llu after %llu, between %llu and %llu",
              (unsigned long long)now, (unsigned long long)last, (unsigned long long)before, (unsigned long long)after);
        last = now;
    }
}

int main(void)
{
    the_length_of_a_tick_is_learned();
    between_two_readings_the_counter_tells();
    time_never_goes_backwards();
    a_slewed_clock_is_followed();
    a_counter_that_jumps_is_measured_anew();
    a_counter_that_jumps_often_is_used_no_more();
    a_long_pause_is_no_fault();
    a_counter_that_stands_still_is_never_used();
    this_machines_clock_is_the_kernels();
    return CHECK_RESULT();
}
