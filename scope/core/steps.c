/* Adds up steps, whose numbers are not trusted: what would overflow stays at the most there is. */
#include "steps.h"

#include "record.h"

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static uint64_t later(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

static uint64_t before(uint64_t moment_ns, uint64_t by_ns)
{
    return moment_ns > by_ns ? moment_ns - by_ns : 0;
}

static void add_wait(uint64_t *sum_ns, uint64_t ns)
{
    *sum_ns = *sum_ns + ns < *sum_ns ? UINT64_MAX : *sum_ns + ns;
}

/* Counts what was not waited yet between the two, `until_ns` being the end of the last gap or beyond. */
static void wait_since(scope_steps *steps, uint64_t ready_ns)
{
    uint32_t kept = steps->gap_count < SCOPE_STEP_GAPS ? steps->gap_count : SCOPE_STEP_GAPS;
    for (uint32_t back = 1; back <= kept; back++) {
        scope_step_gap *gap = &steps->gaps[(steps->gap_count - back) % SCOPE_STEP_GAPS];
        uint64_t since_ns = later(ready_ns, gap->begin_ns);
        if (since_ns < gap->until_ns) {
            add_wait(&steps->loop_wait_ns, gap->until_ns - since_ns);
            gap->until_ns = since_ns;
        }
        if (ready_ns >= gap->begin_ns)
            return;
    }
}

void scope_steps_add(scope_steps *steps, const uint8_t *record, uint64_t from_ns, uint64_t until_ns)
{
    uint64_t end_ns = scope_load64(record + 8);
    const uint8_t *payload = record + 8 * SCOPE_PREFIX_WORDS;
    uint64_t waited_ns = scope_load64(payload), ran_ns = scope_load64(payload + 8);
    if (scope_load32(payload + 16) & SCOPE_STEP_IN_THREAD) {
        add_wait(&steps->thread_wait_ns, waited_ns);
        return;
    }
    uint64_t start_ns = before(end_ns, ran_ns), gap_ns = earlier(start_ns, until_ns);
    uint64_t last_ns = later(steps->last_end_ns, from_ns);
    steps->longest_ns = later(steps->longest_ns, ran_ns);
    if (gap_ns > last_ns)
        steps->gaps[steps->gap_count++ % SCOPE_STEP_GAPS] = (scope_step_gap){last_ns, gap_ns};
    wait_since(steps, before(start_ns, waited_ns));
    steps->last_end_ns = later(steps->last_end_ns, end_ns);
}
