/* The only file that is compiled with CPython's internal headers: monitored_frame.h tells what of them is used. */
#define Py_BUILD_CORE 1
#include "monitored_frame.h"

#if SCOPE_HAS_MONITORING

#include <internal/pycore_code.h>
#include <internal/pycore_frame.h>

#define AFTER_AWAIT 3 /* the low two bits of the argument of RESUME */

/* The instruction that follows, RESUME, tells what was waited for. */
bool scope_yields_for_await(PyObject *code, Py_ssize_t offset)
{
    const _Py_CODEUNIT *yield = _PyCode_CODE((PyCodeObject *)code) + offset / (Py_ssize_t)sizeof(_Py_CODEUNIT);
    return (yield[1].op.arg & 3) == AFTER_AWAIT;
}

/* Before 3.13 this is where locals() of a function has its dict; since then (PEP 667) it is only that of classes and modules,
 * while every frame still traverses and clears it. */
PyObject **scope_frame_keeps(void *frame)
{
#if PY_VERSION_HEX >= 0x030D0000
    return &((_PyInterpreterFrame *)frame)->f_locals;
#else
    (void)frame;
    return NULL;
#endif
}

#endif
