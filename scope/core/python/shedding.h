/* What is left out of traces while tracing costs more than it may: the process's half of the governor.
 *
 * The collector says a level, in the control word; a process hears of it as a request begins. Each level leaves out what those
 * below it do, and more; the boundaries of requests, spans and steps of the loop are recorded at any. A call that is left out
 * costs a fifth of one that is recorded still, so from some level on functions that are called often are to lose their probes:
 * which these are is found out here, while they still have them, and Python does it (set_steered). As long as the level does not
 * fall, they are remembered. Guarded by the GIL.
 */
#ifndef SCOPE_SHEDDING_H
#define SCOPE_SHEDDING_H

#include "runtime.h"

typedef struct {
    uint8_t most; /* enum scope_level: no call is recorded deeper */
    uint32_t calls; /* of a function that a request may record */
    uint32_t takes_out; /* functions that one request calls more often than this */
    uint32_t one_of; /* requests of a route whose functions are recorded; 0: those of none */
} scope_shedding_step;

typedef struct {
    uint8_t level;
    uint16_t share; /* tenths of a percent of the process's CPU that tracing took when the level was decided */
    scope_shedding_step step; /* what the level means */
    uint32_t account; /* process-wide number of the definition that tells which functions are taken out; 0: none */
    uint32_t taken_out; /* functions without their probes */
} scope_shedding;

extern scope_shedding shedding;

/* The level and the share in a control word become those of the process. Whether other functions may be to be taken out now. */
bool scope_shed(uint64_t control);

/* A request called function `index` so often. */
void scope_note_calls(uint32_t index, uint32_t calls);

/* Whether the functions of a request that goes to `route` (NULL: to none yet) are recorded. Counts the request. */
bool scope_sampled(PyObject *route);

/* shedding(): (level, [(function, calls in one request), ...] of those that are to be taken out). */
PyObject *scope_tell_shedding(PyObject *module, PyObject *unused);

/* set_taken_out(names): these functions have lost their probes, and all others have theirs. */
PyObject *scope_set_taken_out(PyObject *module, PyObject *names);

#endif
