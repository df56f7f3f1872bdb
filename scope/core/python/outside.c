/* Writes steps outside any request, with the name of what ran. Only long ones: it may take its time. */
#include "outside.h"

#include "emit.h"
#include "gc_pause.h"
#include "values.h"

#define DEEPEST 8 /* wrappers within each other that are looked through */

enum { OUTSIDE_LEFT_OVER = 2 }; /* flag of an OUTSIDE_STEP */

uint64_t scope_least_outside_ns = UINT64_C(10000000);

/* ---- what ran ---- */

/* An attribute of an object of a type that Python comes with, or NULL: others' may run code of theirs. */
static PyObject *plain_attribute(PyObject *object, const char *name)
{
    PyObject *value = Py_TYPE(object)->tp_flags & Py_TPFLAGS_HEAPTYPE ? NULL : PyObject_GetAttrString(object, name);
    PyErr_Clear();
    return value;
}

/* What `callable` passes its call on to; NULL where that is none. */
static PyObject *passed_on_to(PyObject *callable)
{
    if (PyMethod_Check(callable))
        return Py_NewRef(PyMethod_GET_FUNCTION(callable));
    bool partial = strcmp(Py_TYPE(callable)->tp_name, "functools.partial") == 0;
    PyObject *inner = partial ? PyObject_GetAttrString(callable, "func") : NULL;
    PyErr_Clear();
    return inner;
}

static uint32_t named(PyObject *object)
{
    PyObject *name = plain_attribute(object, "__qualname__");
    if (!name || !PyUnicode_CheckExact(name))
        Py_XSETREF(name, PyUnicode_FromString(Py_TYPE(object)->tp_name));
    uint32_t number = name ? scope_runtime_name(name) : 0;
    Py_XDECREF(name);
    PyErr_Clear();
    return number;
}

static uint32_t number_of_callable(PyObject *callable)
{
    PyObject *at = Py_NewRef(callable), *next;
    for (int depth = 0; depth < DEEPEST && (next = passed_on_to(at)); depth++)
        Py_SETREF(at, next);
    uint32_t number = PyFunction_Check(at) ? scope_runtime_code(PyFunction_GET_CODE(at), PyFunction_GET_MODULE(at)) : named(at);
    Py_DECREF(at);
    return number;
}

static PyObject *interned(PyObject **name, const char *text)
{
    return *name ? *name : (*name = PyUnicode_InternFromString(text));
}

/* The code of a coroutine or of a generator that is one; NULL where it has none. */
static PyObject *code_of(PyObject *coroutine)
{
    static PyObject *name_cr_code, *name_gi_code;
    PyObject *code = NULL;
    if (PyCoro_CheckExact(coroutine))
        code = PyObject_GetAttr(coroutine, interned(&name_cr_code, "cr_code"));
    else if (PyGen_CheckExact(coroutine))
        code = PyObject_GetAttr(coroutine, interned(&name_gi_code, "gi_code"));
    PyErr_Clear();
    return code;
}

uint32_t scope_number_of_task(PyObject *task)
{
    static PyObject *name_get_coro;
    PyObject *coroutine = PyObject_CallMethodNoArgs(task, interned(&name_get_coro, "get_coro"));
    PyErr_Clear();
    PyObject *code = coroutine ? code_of(coroutine) : NULL;
    uint32_t number = code ? scope_runtime_code(code, NULL) : named(coroutine ? coroutine : task);
    Py_XDECREF(code);
    Py_XDECREF(coroutine);
    return number;
}

/* ---- the record ---- */

void scope_emit_outside_step(const scope_outside_step *step, PyObject *callback, PyObject *task)
{
    SessionObject *session = runtime.session;
    if (!session)
        return;
    uint32_t number = task ? scope_number_of_task(task) : number_of_callable(callback);
    struct {
        uint64_t waited_ns, ran_ns;
        uint32_t flags, reserved;
    } payload = {
        .waited_ns = step->begin_ns - step->ready_ns,
        .ran_ns = step->end_ns - step->begin_ns,
        .flags = step->left_over ? OUTSIDE_LEFT_OVER : 0,
    };
    uint32_t site = scope_session_site(session, number);
    scope_emit_of_process(step->end_ns, SCOPE_OUTSIDE_STEP, site, &payload, sizeof payload);
}

PyObject *scope_set_least(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned long long outside_ns, pause_ns;
    if (!PyArg_ParseTuple(args, "KK:set_least", &outside_ns, &pause_ns))
        return NULL;
    scope_least_outside_ns = outside_ns;
    scope_least_pause_ns = pause_ns;
    Py_RETURN_NONE;
}
