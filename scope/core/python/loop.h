/* Steps: what an event loop runs, and what waits for it. */
#ifndef SCOPE_LOOP_H
#define SCOPE_LOOP_H

#include "request.h"

/* The request begins within the step that runs now, if one does; whether that is its own from the step's beginning on. */
void scope_loop_enter(RequestObject *request, bool takes_step);

/* The request ends at `now_ns`: writes the part of the step that was its own. */
void scope_loop_leave(RequestObject *request, uint64_t now_ns);

int scope_add_loop(PyObject *module);

#endif
