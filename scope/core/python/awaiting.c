/* Awaitables around awaitables. What they promise is told in awaiting.h. */
#include "awaiting.h"

#define ITERABLE_COROUTINE 0x100 /* inspect.CO_ITERABLE_COROUTINE: a generator made awaitable by types.coroutine */

scope_raised scope_fetch_raised(void)
{
    scope_raised raised;
    PyErr_Fetch(&raised.type, &raised.error, &raised.traceback);
    PyErr_NormalizeException(&raised.type, &raised.error, &raised.traceback);
    if (raised.traceback && raised.error)
        PyException_SetTraceback(raised.error, raised.traceback);
    return raised;
}

void scope_restore_raised(scope_raised raised)
{
    PyErr_Restore(raised.type, raised.error, raised.traceback);
}

void scope_awaiting_init(AwaitingObject *self, const scope_awaiting_kind *kind, PyObject *inner)
{
    self->kind = kind;
    self->inner = inner;
    self->begun = self->running = self->over = false;
}

static bool is_iterable_coroutine(PyObject *generator)
{
    PyObject *code = PyObject_GetAttrString(generator, "gi_code");
    bool iterable = code && PyCode_Check(code) && ((PyCodeObject *)code)->co_flags & ITERABLE_COROUTINE;
    Py_XDECREF(code);
    PyErr_Clear();
    return iterable;
}

PyObject *scope_awaited(PyObject *awaitable)
{
    if (PyCoro_CheckExact(awaitable) || (PyGen_CheckExact(awaitable) && is_iterable_coroutine(awaitable)))
        return Py_NewRef(awaitable);
    unaryfunc await = Py_TYPE(awaitable)->tp_as_async ? Py_TYPE(awaitable)->tp_as_async->am_await : NULL;
    if (await)
        return await(awaitable);
    PyErr_Format(PyExc_TypeError, "object %.100s can't be used in 'await' expression", Py_TYPE(awaitable)->tp_name);
    return NULL;
}

/* ---- how it ends ---- */

static void returned(AwaitingObject *self, PyObject *value)
{
    self->over = true;
    Py_CLEAR(self->inner);
    if (self->kind->ended)
        self->kind->ended(self, value);
    PyErr_Clear();
}

/* Tells of the exception that is set, and leaves it set. */
static void raised(AwaitingObject *self)
{
    self->over = true;
    if (!self->kind->failed) {
        if (self->inner) {
            scope_raised kept = scope_fetch_raised();
            Py_CLEAR(self->inner);
            scope_restore_raised(kept);
        }
        return;
    }
    scope_raised kept = scope_fetch_raised();
    Py_CLEAR(self->inner);
    self->kind->failed(self, kept.error);
    PyErr_Clear();
    scope_restore_raised(kept);
}

/* ---- steps ---- */

/* Whether a step can be made now; else with an exception set, a coroutine's own. */
static bool is_ready(const AwaitingObject *self)
{
    if (self->running)
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
    else if (self->over)
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
    return !self->running && !self->over;
}

static bool begin(AwaitingObject *self)
{
    self->begun = true;
    if (!self->kind->begin || self->kind->begin(self) == 0)
        return true;
    raised(self);
    return false;
}

static PySendResult awaiting_am_send(AwaitingObject *self, PyObject *value, PyObject **result)
{
    *result = NULL;
    if (!is_ready(self))
        return PYGEN_ERROR;
    self->running = true;
    PySendResult state = self->begun || begin(self) ? PyIter_Send(self->inner, value, result) : PYGEN_ERROR;
    self->running = false;
    if (state == PYGEN_RETURN)
        returned(self, *result);
    else if (state == PYGEN_ERROR && !self->over)
        raised(self);
    return state;
}

/* What a generator's method gives back for a PySendResult. */
static PyObject *as_method_result(PySendResult state, PyObject *result)
{
    if (state == PYGEN_NEXT)
        return result;
    if (state == PYGEN_RETURN) {
        PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, result);
        if (stop)
            PyErr_SetObject(PyExc_StopIteration, stop);
        Py_XDECREF(stop);
        Py_DECREF(result);
    }
    return NULL;
}

static PyObject *awaiting_send(AwaitingObject *self, PyObject *value)
{
    PyObject *result = NULL;
    PySendResult state = awaiting_am_send(self, value, &result);
    return as_method_result(state, result);
}

static PyObject *awaiting_next(AwaitingObject *self)
{
    return awaiting_send(self, Py_None);
}

/* ---- throw and close ---- */

/* Takes note of a StopIteration that ended `inner`, and leaves it set. */
static void stopped(AwaitingObject *self)
{
    scope_raised kept = scope_fetch_raised();
    PyObject *value = kept.error ? PyObject_GetAttrString(kept.error, "value") : NULL;
    returned(self, value ? value : Py_None);
    Py_XDECREF(value);
    scope_restore_raised(kept);
}

static PyObject *throw_into(AwaitingObject *self, PyObject *args)
{
    PyObject *method = PyObject_GetAttrString(self->inner, "throw");
    self->running = true;
    PyObject *result = method ? PyObject_CallObject(method, args) : NULL;
    self->running = false;
    Py_XDECREF(method);
    return result;
}

/* Raises what throw() was given, where there is nothing yet to throw it into. */
static void raise_given(PyObject *args)
{
    PyObject *given, *value = Py_None, *traceback;
    if (!PyArg_ParseTuple(args, "O|OO:throw", &given, &value, &traceback))
        return;
    if (PyExceptionInstance_Check(given))
        PyErr_SetObject((PyObject *)Py_TYPE(given), given);
    else if (PyExceptionClass_Check(given))
        PyErr_SetObject(given, value);
    else
        PyErr_SetString(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException");
}

static PyObject *awaiting_throw(AwaitingObject *self, PyObject *args)
{
    if (!is_ready(self))
        return NULL;
    if (!self->inner) {
        self->over = true;
        raise_given(args);
        return NULL;
    }
    PyObject *result = throw_into(self, args);
    if (result)
        return result;
    if (PyErr_ExceptionMatches(PyExc_StopIteration))
        stopped(self);
    else if (self->begun)
        raised(self);
    return NULL;
}

static int close_inner(PyObject *inner)
{
    PyObject *close = PyObject_GetAttrString(inner, "close");
    if (!close) {
        PyErr_Clear(); /* an iterator without close() has nothing to close */
        return 0;
    }
    PyObject *result = PyObject_CallNoArgs(close);
    Py_DECREF(close);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static void closed(AwaitingObject *self)
{
    self->over = true;
    Py_CLEAR(self->inner);
    PyObject *error = self->kind->failed ? PyObject_CallNoArgs(PyExc_GeneratorExit) : NULL;
    if (error)
        self->kind->failed(self, error);
    Py_XDECREF(error);
    PyErr_Clear();
}

static PyObject *awaiting_close(AwaitingObject *self, PyObject *unused)
{
    (void)unused;
    if (self->running) {
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        return NULL;
    }
    if (self->inner && close_inner(self->inner) < 0) {
        raised(self);
        return NULL;
    }
    if (self->begun && !self->over)
        closed(self);
    self->over = true;
    Py_RETURN_NONE;
}

static void awaiting_finalize(AwaitingObject *self)
{
    if (self->over || !self->begun || !self->kind->failed)
        return;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *result = awaiting_close(self, NULL);
    if (!result)
        PyErr_WriteUnraisable((PyObject *)self);
    Py_XDECREF(result);
    PyErr_Restore(type, error, traceback);
}

bool scope_awaiting_finish(AwaitingObject *self)
{
    if (!self->over && PyObject_CallFinalizerFromDealloc((PyObject *)self) < 0)
        return false;
    PyObject_GC_UnTrack(self);
    return true;
}

PyObject *scope_awaited_inside(PyObject *object)
{
    bool ours = Py_TYPE(object)->tp_finalize == (destructor)awaiting_finalize;
    return ours ? Py_XNewRef(((AwaitingObject *)object)->inner) : NULL;
}

/* What it lacks is the other's: tools ask a task's coroutine for its state, its frame and its code. */
static PyObject *awaiting_getattr(PyObject *self, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(self, name);
    PyObject *inner = ((AwaitingObject *)self)->inner;
    if (value || !inner || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return PyObject_GetAttr(inner, name);
}

static PyMethodDef awaiting_methods[] = {
    {"send", (PyCFunction)awaiting_send, METH_O, "Resume with a value."},
    {"throw", (PyCFunction)awaiting_throw, METH_VARARGS, "Resume with an exception."},
    {"close", (PyCFunction)awaiting_close, METH_NOARGS, "Close what is awaited."},
    {NULL, NULL, 0, NULL},
};

#define OWN_SLOTS_MAX 4

PyTypeObject *scope_awaiting_type(PyObject *module, const char *name, int size, PyType_Slot *slots)
{
    PyType_Slot all[OWN_SLOTS_MAX + 8];
    int count = 0;
    for (; slots->slot && count < OWN_SLOTS_MAX; slots++)
        all[count++] = *slots;
    const PyType_Slot common[] = {
        {Py_tp_finalize, awaiting_finalize}, {Py_tp_getattro, awaiting_getattr}, {Py_tp_methods, awaiting_methods},
        {Py_tp_iter, PyObject_SelfIter},     {Py_tp_iternext, awaiting_next},    {Py_am_await, PyObject_SelfIter},
        {Py_am_send, awaiting_am_send},      {0, NULL},
    };
    memcpy(all + count, common, sizeof common);
    PyType_Spec spec = {
        .name = name,
        .basicsize = size,
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = all,
    };
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
}
