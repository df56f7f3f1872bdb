/* Tells which task a callback steps, and in which coroutine a task stands still. */
#include "suspension.h"

#include "awaiting.h"
#include "runtime.h"

#define DEEPEST 64

static PyTypeObject *step_wrapper_type;
static PyObject *name_self, *name_get_coro, *name_cr_await, *name_cr_code, *name_co_qualname;

/* Tasks of C hand out a wrapper of a type of their own, whose name has a module since 3.12, or a builtin bound to the task; those
 * of Python a bound method. */
PyObject *scope_task_of(PyObject *callback)
{
    PyObject *owner = NULL;
    if (PyCFunction_Check(callback))
        owner = PyCFunction_GET_SELF(callback);
    else if (PyMethod_Check(callback))
        owner = PyMethod_GET_SELF(callback);
    else if (Py_TYPE(callback) == step_wrapper_type || strstr(Py_TYPE(callback)->tp_name, "TaskStepMethWrapper")) {
        step_wrapper_type = Py_TYPE(callback);
        owner = PyObject_GetAttr(callback, name_self);
        Py_XDECREF(owner); /* the callback holds it */
    }
    return owner && _PyType_Lookup(Py_TYPE(owner), name_get_coro) ? owner : NULL;
}

/* What `awaiting` awaits in turn; NULL where it is no coroutine that does. */
static PyObject *awaited_by(PyObject *awaiting)
{
    PyObject *next = PyCoro_CheckExact(awaiting) ? PyObject_GetAttr(awaiting, name_cr_await) : scope_awaited_inside(awaiting);
    if (next == Py_None)
        Py_CLEAR(next);
    PyErr_Clear();
    return next;
}

static uint32_t name_of(PyObject *coroutine)
{
    PyObject *code = PyObject_GetAttr(coroutine, name_cr_code);
    PyObject *name = code ? PyObject_GetAttr(code, name_co_qualname) : NULL;
    uint32_t number = name ? scope_runtime_name(name) : 0;
    Py_XDECREF(name);
    Py_XDECREF(code);
    PyErr_Clear();
    return number;
}

uint32_t scope_suspended_in(PyObject *task)
{
    PyObject *at = PyObject_CallMethodNoArgs(task, name_get_coro), *innermost = NULL;
    for (int depth = 0; at && depth < DEEPEST; depth++) {
        PyObject *next = awaited_by(at);
        if ((depth || next) && PyCoro_CheckExact(at))
            Py_XSETREF(innermost, Py_NewRef(at));
        Py_SETREF(at, next);
    }
    PyErr_Clear();
    Py_XDECREF(at);
    uint32_t number = innermost ? name_of(innermost) : 0;
    Py_XDECREF(innermost);
    return number;
}

int scope_add_suspension(void)
{
    name_self = PyUnicode_InternFromString("__self__");
    name_get_coro = PyUnicode_InternFromString("get_coro");
    name_cr_await = PyUnicode_InternFromString("cr_await");
    name_cr_code = PyUnicode_InternFromString("cr_code");
    name_co_qualname = PyUnicode_InternFromString("co_qualname");
    return name_self && name_get_coro && name_cr_await && name_cr_code && name_co_qualname ? 0 : -1;
}
