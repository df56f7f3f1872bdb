/* The only file that is compiled with CPython's internal headers: monitored_frame.h tells what of them is used. */
#define Py_BUILD_CORE 1
#include "monitored_frame.h"

#if SCOPE_HAS_MONITORING

#include <internal/pycore_code.h>
#include <internal/pycore_frame.h>

/* The low two bits of the argument of RESUME, which is the instruction that follows. */
enum { AFTER_YIELD_FROM = 2, AFTER_AWAIT = 3 };

enum scope_yield scope_yields_for(PyObject *code, Py_ssize_t offset)
{
    const _Py_CODEUNIT *yield = _PyCode_CODE((PyCodeObject *)code) + offset / (Py_ssize_t)sizeof(_Py_CODEUNIT);
    switch (yield[1].op.arg & 3) {
    case AFTER_YIELD_FROM:
        return SCOPE_YIELD_FROM;
    case AFTER_AWAIT:
        return SCOPE_YIELD_AWAIT;
    default:
        return SCOPE_YIELD;
    }
}

/* _PyAsyncGenWrappedValue of genobject.c; the type is not exported. */
typedef struct {
    PyObject_HEAD
    PyObject *value;
} wrapped_value;

PyObject *scope_yielded_value(PyObject *value)
{
    bool is_wrapped = strcmp(Py_TYPE(value)->tp_name, "async_generator_wrapped_value") == 0;
    return is_wrapped ? ((wrapped_value *)value)->value : value;
}

static PyCodeObject *code_of(const _PyInterpreterFrame *frame)
{
#if PY_VERSION_HEX >= 0x030D0000
    return (PyCodeObject *)frame->f_executable;
#else
    return frame->f_code;
#endif
}

PyObject *scope_frame_arguments(void *at, Py_ssize_t count)
{
    _PyInterpreterFrame *frame = at;
    PyObject *kinds = code_of(frame)->co_localspluskinds;
    PyObject *arguments = PyTuple_New(count);
    for (Py_ssize_t index = 0; arguments && index < count; index++) {
        PyObject *value = frame->localsplus[index];
        bool is_cell = _PyLocals_GetKind(kinds, (int)index) & CO_FAST_CELL; /* functions within it use it, too */
        if (is_cell && value && PyCell_Check(value))
            value = PyCell_GET(value);
        PyTuple_SET_ITEM(arguments, index, Py_NewRef(value ? value : Py_None));
    }
    return arguments;
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
