/* What the engine of sys.monitoring reads of the interpreter's own frames, whose layout only CPython's internal headers tell. */
#ifndef SCOPE_MONITORED_FRAME_H
#define SCOPE_MONITORED_FRAME_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

/* Whether this build has the engine: CPython 3.12 and 3.13 with the GIL. */
#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030E0000 && !defined(Py_GIL_DISABLED)
#define SCOPE_HAS_MONITORING 1
#else
#define SCOPE_HAS_MONITORING 0
#endif

#if SCOPE_HAS_MONITORING

/* What the YIELD_VALUE at byte `offset` of a generator's `code` is for. */
enum scope_yield {
    SCOPE_YIELD, /* a value of its own */
    SCOPE_YIELD_FROM, /* one of an iterator that it delegates to */
    SCOPE_YIELD_AWAIT, /* to wait: `await`, `async for`, `async with` */
};
enum scope_yield scope_yields_for(PyObject *code, Py_ssize_t offset);

/* What a generator yields, borrowed: of an asynchronous one the event has it in a wrapper. */
PyObject *scope_yielded_value(PyObject *value);

/* The first `count` variables of `frame`, whose function has just begun: its arguments. A new tuple; NULL with an exception. */
PyObject *scope_frame_arguments(void *frame, Py_ssize_t count);

/* A place in a generator's frame where a reference can be kept until the frame is cleared, however that happens; NULL where
 * the interpreter uses all of the frame itself. */
PyObject **scope_frame_keeps(void *frame);

#endif
#endif
