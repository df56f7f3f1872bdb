/* The local variables of the frame that runs, read where the interpreter keeps them.
 *
 * Asking for `locals()` would write into a dict that the application may hold, and keep the values alive in it. From 3.12 on
 * the C API reads single variables; 3.11 has no such function, so there its frame is read as its headers lay it out.
 */
#define Py_BUILD_CORE 1
#include "call_values.h"

#if PY_VERSION_HEX < 0x030C0000

#include <internal/pycore_code.h>
#include <internal/pycore_frame.h>

/* A new reference, or NULL where the variable is unbound, or is one of a function around. */
static PyObject *variable(const _PyInterpreterFrame *frame, Py_ssize_t index)
{
    _PyLocals_Kind kind = _PyLocals_GetKind(frame->f_code->co_localspluskinds, (int)index);
    PyObject *value = frame->localsplus[index];
    if (kind & CO_FAST_FREE)
        return NULL;
    if (value && kind & CO_FAST_CELL && PyCell_Check(value))
        value = PyCell_GET(value);
    return Py_XNewRef(value);
}

Py_ssize_t scope_frame_locals(PyObject **names, PyObject **values, Py_ssize_t max)
{
    PyFrameObject *object = PyEval_GetFrame();
    if (!object)
        return 0;
    const _PyInterpreterFrame *frame = object->f_frame;
    Py_ssize_t count = 0;
    for (Py_ssize_t index = 0; index < frame->f_code->co_nlocalsplus; index++) {
        PyObject *value = variable(frame, index);
        if (value && count < max) {
            names[count] = Py_NewRef(PyTuple_GET_ITEM(frame->f_code->co_localsplusnames, index));
            values[count] = Py_NewRef(value);
        }
        count += value != NULL;
        Py_XDECREF(value);
    }
    return count;
}

#else

/* Adds those of `all`, a tuple of names, that are bound, from index `count` on; the new count. */
static Py_ssize_t add(PyFrameObject *frame, PyObject *all, PyObject **names, PyObject **values, Py_ssize_t max,
                      Py_ssize_t count)
{
    for (Py_ssize_t index = 0; all && index < PyTuple_GET_SIZE(all); index++) {
        PyObject *name = PyTuple_GET_ITEM(all, index), *value = PyFrame_GetVar(frame, name);
        PyErr_Clear();
        if (value && count < max) {
            names[count] = Py_NewRef(name);
            values[count] = Py_NewRef(value);
        }
        count += value != NULL;
        Py_XDECREF(value);
    }
    return count;
}

/* Those of `names` that are not among `others`: an argument that a function within uses is in both. NULL where memory is
 * short. */
static PyObject *without(PyObject *names, PyObject *others)
{
    PyObject *result = PyList_New(0);
    for (Py_ssize_t index = 0; result && index < PyTuple_GET_SIZE(names); index++) {
        PyObject *name = PyTuple_GET_ITEM(names, index);
        int known = PySequence_Contains(others, name);
        if (known < 0 || (!known && PyList_Append(result, name) < 0))
            Py_CLEAR(result);
    }
    PyObject *tuple = result ? PyList_AsTuple(result) : NULL;
    Py_XDECREF(result);
    return tuple;
}

Py_ssize_t scope_frame_locals(PyObject **names, PyObject **values, Py_ssize_t max)
{
    PyFrameObject *frame = PyEval_GetFrame();
    if (!frame)
        return 0;
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *locals = PyCode_GetVarnames(code), *cells = PyCode_GetCellvars(code);
    PyObject *others = locals && cells ? without(cells, locals) : NULL;
    Py_ssize_t count = add(frame, locals, names, values, max, 0);
    count = add(frame, others, names, values, max, count);
    PyErr_Clear();
    Py_XDECREF(others);
    Py_XDECREF(cells);
    Py_XDECREF(locals);
    Py_DECREF(code);
    return count;
}

#endif
