/* The engine of CPython 3.12 and 3.13: what sys.monitoring calls when a planned function is entered, left, suspended, resumed.
 *
 * The events that begin, suspend and end a call are local: they are switched on for the code objects of planned functions
 * alone, so that every other function runs as it would have. A planned code object has its CodeProbe in a slot of its own
 * (co_extra), one index away from the callback's argument. That an exception leaves a function or is thrown into it can only
 * be asked for of all functions; where it is none of ours, a look-up by the frame's address tells.
 *
 * Open calls are found by the address of their frame (frames.c), so threads, tasks, generators and greenlets need nothing
 * further. A call in whose frame another one begins was left without a word, as when somebody else's callback raised in between;
 * it ends there. The table owns open calls, but for generators where their frame can: from 3.13 on the interpreter closes a
 * generator that is suspended outside any block without an event, and clears its frame.
 *
 * What yields where `await` stands is an asynchronous generator that waits: it stays current, like a coroutine.
 */
#include "activation.h"
#include "monitored_frame.h"

#if SCOPE_HAS_MONITORING

static Py_ssize_t extra_index = -1;
static PyObject *disable; /* what switches an event off for one instruction */

static PyObject *probe_of(PyObject *code)
{
    void *probe = NULL;
    if (PyUnstable_Code_GetExtra(code, extra_index, &probe) < 0)
        PyErr_Clear();
    return probe;
}

static void release(void *probe)
{
    Py_XDECREF((PyObject *)probe);
}

/* The open call of `code` in the frame that runs; NULL where there is none that is recorded. */
static ActivationObject *running(const PyObject *code)
{
    ActivationObject *call = scope_open_call(scope_current_frame());
    return call && call->code == code ? call : NULL;
}

/* Gives the call to its frame, where that is a generator's and can have it. */
static void hold(ActivationObject *call)
{
    PyObject **place = call->steps ? scope_frame_keeps(call->frame) : NULL;
    if (place && !*place)
        *place = (PyObject *)call;
}

static void finish(ActivationObject *call, PyObject *error)
{
    PyObject **place = call->steps ? scope_frame_keeps(call->frame) : NULL;
    if (place && *place == (PyObject *)call)
        *place = NULL;
    if (call->captured.probe)
        scope_capture_end(call, error);
    scope_forget(call);
    scope_leave(call, error);
    Py_DECREF(call);
}

static void capture_arguments(ActivationObject *call, PyObject *object)
{
    CodeProbeObject *probe = (CodeProbeObject *)object;
    PyObject *arguments = scope_frame_arguments(call->frame, PyTuple_GET_SIZE(probe->arguments));
    if (arguments)
        scope_capture_begin(call, probe, arguments);
    PyErr_Clear();
    Py_XDECREF(arguments);
}

/* ---- callbacks: (code, offset), (code, offset, value or exception) ---- */

static PyObject *on_start(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    PyObject *probe = count > 1 ? probe_of(args[0]) : NULL;
    if (!probe)
        return Py_NewRef(disable);
    ActivationObject *left = scope_open_call(scope_current_frame());
    if (left && left->code)
        finish(left, PyExc_GeneratorExit);
    ActivationObject *call = scope_enter(probe);
    if (!call)
        Py_RETURN_NONE;
    call->code = args[0];
    if (!call->frame)
        scope_remember(call);
    hold(call);
    if (call->call.level >= SCOPE_LEVEL_VALUES)
        capture_arguments(call, probe);
    Py_RETURN_NONE;
}

static PyObject *on_return(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    ActivationObject *call = count > 2 ? running(args[0]) : NULL;
    if (call && call->captured.probe)
        scope_capture_result(call, args[2]);
    if (call)
        finish(call, Py_None);
    Py_RETURN_NONE;
}

static PyObject *on_unwind(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    ActivationObject *call = count > 2 ? running(args[0]) : NULL;
    if (call)
        finish(call, args[2]);
    Py_RETURN_NONE;
}

static PyObject *on_yield(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    ActivationObject *call = count > 2 ? running(args[0]) : NULL;
    if (!call || !call->steps)
        Py_RETURN_NONE;
    enum scope_yield what = scope_yields_for(args[0], PyLong_AsSsize_t(args[1]));
    if (what == SCOPE_YIELD && call->captured.probe)
        scope_capture_yielded(call, scope_yielded_value(args[2]));
    if (what != SCOPE_YIELD_AWAIT)
        scope_generator_suspend(call);
    Py_RETURN_NONE;
}

/* It goes on, by itself or by an exception that is thrown in. */
static PyObject *on_resume(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    ActivationObject *call = count > 1 ? running(args[0]) : NULL;
    if (call && call->steps)
        scope_generator_resume(call);
    Py_RETURN_NONE;
}

/* ---- what Python sets up ---- */

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef callbacks[] = {
    {"PY_START", FAST(on_start), METH_FASTCALL, NULL},
    {"PY_RETURN", FAST(on_return), METH_FASTCALL, NULL},
    {"PY_YIELD", FAST(on_yield), METH_FASTCALL, NULL},
    {"PY_RESUME", FAST(on_resume), METH_FASTCALL, NULL},
    {"PY_THROW", FAST(on_resume), METH_FASTCALL, NULL},
    {"PY_UNWIND", FAST(on_unwind), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyObject *monitoring_callbacks(PyObject *module, PyObject *unused)
{
    (void)unused;
    PyObject *found = PyDict_New();
    for (PyMethodDef *each = callbacks; found && each->ml_name; each++) {
        PyObject *callback = PyCFunction_New(each, module);
        if (!callback || PyDict_SetItemString(found, each->ml_name, callback) < 0)
            Py_CLEAR(found);
        Py_XDECREF(callback);
    }
    return found;
}

static PyObject *monitor(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *code, *probe;
    if (!PyArg_ParseTuple(args, "O!O:monitor", &PyCode_Type, &code, &probe))
        return NULL;
    if (probe != Py_None && !Py_IS_TYPE(probe, CodeProbeType))
        return PyErr_Format(PyExc_TypeError, "monitor() takes a CodeProbe or None, not %s", Py_TYPE(probe)->tp_name);
    PyObject *before = probe_of(code);
    if (before != probe && PyUnstable_Code_SetExtra(code, extra_index, probe == Py_None ? NULL : Py_NewRef(probe)) < 0)
        return NULL;
    return PyBool_FromLong(scope_is_open(code));
}

static PyObject *monitored(PyObject *module, PyObject *code)
{
    (void)module;
    PyObject *probe = PyCode_Check(code) ? probe_of(code) : NULL;
    return Py_NewRef(probe ? probe : Py_None);
}

/* 0, or -1 with an exception set. */
static int prepare(void)
{
    PyObject *monitoring = PySys_GetObject("monitoring"); /* borrowed */
    disable = monitoring ? PyObject_GetAttrString(monitoring, "DISABLE") : NULL;
    if (!disable)
        return PyErr_Occurred() ? -1 : 0;
    extra_index = PyUnstable_Eval_RequestCodeExtraIndex(release);
    return 0;
}

#else

static PyObject *monitoring_callbacks(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyDict_New();
}

static PyObject *monitor(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *code, *probe;
    if (PyArg_ParseTuple(args, "OO:monitor", &code, &probe))
        PyErr_SetString(PyExc_NotImplementedError, "this interpreter tells of no calls");
    return NULL;
}

static PyObject *monitored(PyObject *module, PyObject *code)
{
    (void)module;
    (void)code;
    Py_RETURN_NONE;
}

static int prepare(void)
{
    return 0;
}

#endif

static PyMethodDef functions[] = {
    {"monitoring_callbacks", monitoring_callbacks, METH_NOARGS, "What sys.monitoring is to call, by the event's name."},
    {"monitor", monitor, METH_VARARGS, "Give a code object its probe, or none; whether calls of it are open."},
    {"monitored", monitored, METH_O, "The probe of a code object, or None."},
    {NULL, NULL, 0, NULL},
};

int scope_add_monitoring(PyObject *module)
{
    return prepare() < 0 ? -1 : PyModule_AddFunctions(module, functions);
}
