/* What the steps of a request come to, in a few numbers that are kept as its records pass by.
 *
 * A request waits for its loop while one of its tasks could go on and none of them runs. Steps of a loop end one after the
 * other, so between two of them lies a gap, which is waited from the moment on at which the first of the later steps could
 * have begun. A step's wait reaches to its own gap's end, and over the earlier gaps that it was ready in: of each gap what was
 * not waited yet is its beginning, one stretch.
 *
 * The known holes: a step that was ready before the last SCOPE_STEP_GAPS gaps adds nothing for the earlier ones; what two loops
 * do at once, and what a thread does meanwhile, is not set off; waits for threads are added up where they overlap.
 */
#ifndef SCOPE_STEPS_H
#define SCOPE_STEPS_H

#include <stdint.h>

#define SCOPE_STEP_GAPS 4 /* a power of two */

typedef struct {
    uint64_t begin_ns, until_ns; /* what is not waited of it */
} scope_step_gap;

typedef struct {
    uint64_t loop_wait_ns, thread_wait_ns;
    uint64_t longest_ns; /* in a loop */
    uint64_t last_end_ns;
    uint32_t gap_count; /* ever; the last ones are kept */
    scope_step_gap gaps[SCOPE_STEP_GAPS];
} scope_steps;

/* Takes in a LOOP_STEP of at least its least length. What a step waited before `from_ns` or after `until_ns` does not count. */
void scope_steps_add(scope_steps *steps, const uint8_t *record, uint64_t from_ns, uint64_t until_ns);

#endif
