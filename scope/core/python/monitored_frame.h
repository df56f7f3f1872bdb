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

/* Whether the YIELD_VALUE at byte `offset` of `code` waits for something: an `await`, `async for` or `async with`. */
bool scope_yields_for_await(PyObject *code, Py_ssize_t offset);

/* A place in a generator's frame where a reference can be kept until the frame is cleared, however that happens; NULL where
 * the interpreter uses all of the frame itself. */
PyObject **scope_frame_keeps(void *frame);

#endif
#endif
