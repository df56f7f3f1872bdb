/* Pauses for garbage collection. */
#ifndef SCOPE_GC_PAUSE_H
#define SCOPE_GC_PAUSE_H

#include "runtime.h"

/* A pause is recorded when it was at least so long, in ns. */
extern uint64_t scope_least_pause_ns;

/* gc_pause(phase, info): what gc.callbacks calls. A pause is of the request that the thread was at work for, else of the
 * process. */
PyObject *scope_gc_pause(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
