/* Steps outside any request: what held the loop that no request did. */
#ifndef SCOPE_OUTSIDE_H
#define SCOPE_OUTSIDE_H

#include "runtime.h"

/* A step that belongs to no request is recorded when it ran at least so long, in ns. */
extern uint64_t scope_least_outside_ns;

typedef struct {
    uint64_t ready_ns, begin_ns, end_ns; /* of the step */
    bool left_over; /* in the context of a request that had ended */
} scope_outside_step;

/* The process-wide number of what names the task's coroutine; 0 for none. Leaves no exception set. */
uint32_t scope_number_of_task(PyObject *task);

/* Writes the step of `task`, or, where that is NULL, of `callback`. Leaves no exception set. */
void scope_emit_outside_step(const scope_outside_step *step, PyObject *callback, PyObject *task);

/* set_least(outside_step_ns, gc_pause_ns) */
PyObject *scope_set_least(PyObject *module, PyObject *args);

#endif
