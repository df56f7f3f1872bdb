/* Handler: a coroutine function with a span around each run, from its first step to its end.
 *
 * Within a request a call gives an awaitable that drives the function's coroutine; outside one, that coroutine itself.
 */
#include "awaiting.h"
#include "context.h"
#include "open_span.h"
#include "wrapper.h"

static PyTypeObject *HandlerType, *RunType;

enum { NAME }; /* the part of a Handler */

/* One run of a coroutine. */
typedef struct {
    AwaitingObject awaiting;
    WrapperObject *handler;
    scope_open_span span;
} RunObject;

static int run_begin(AwaitingObject *base)
{
    if (scope_span_begin(&((RunObject *)base)->span) < 0)
        PyErr_Clear();
    return 0;
}

static void run_ended(AwaitingObject *base, PyObject *value)
{
    (void)value;
    scope_span_end(&((RunObject *)base)->span, NULL);
}

static void run_failed(AwaitingObject *base, PyObject *error)
{
    scope_span_end(&((RunObject *)base)->span, error);
}

static const scope_awaiting_kind run_kind = {run_begin, run_ended, run_failed};

/* Takes over the reference to `coroutine`. */
static PyObject *new_run(WrapperObject *handler, PyObject *coroutine)
{
    RunObject *self = PyObject_GC_New(RunObject, RunType);
    if (!self) {
        Py_DECREF(coroutine);
        return NULL;
    }
    scope_awaiting_init(&self->awaiting, &run_kind, coroutine);
    self->handler = (WrapperObject *)Py_NewRef((PyObject *)handler);
    self->span = (scope_open_span){.name = handler->parts[NAME], .kind = handler->kind, .site = handler->site};
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int run_traverse(RunObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->awaiting.inner);
    Py_VISIT(self->handler);
    return 0;
}

static void run_dealloc(RunObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (!scope_awaiting_finish(&self->awaiting))
        return;
    Py_XDECREF(self->awaiting.inner);
    Py_XDECREF(self->span.request);
    Py_DECREF(self->handler);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyType_Slot run_slots[] = {
    {Py_tp_doc, "One run of a traced coroutine."},
    {Py_tp_dealloc, run_dealloc},
    {Py_tp_traverse, run_traverse},
    {0, NULL},
};

static PyObject *handler_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    WrapperObject *self = (WrapperObject *)callable;
    PyObject *coroutine = PyObject_Vectorcall(self->wrapped, args, flags, names);
    if (!coroutine || !PyCoro_CheckExact(coroutine))
        return coroutine;
    ContextObject *context = scope_context();
    bool traced = context && context->request;
    Py_XDECREF(context);
    return traced ? new_run(self, coroutine) : coroutine;
}

static PyObject *handler_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *wrapped, *name;
    unsigned char kind;
    static char *names[] = {"", "", "", NULL}; /* positional only */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OUb:Handler", names, &wrapped, &name, &kind))
        return NULL;
    if (kind >= SCOPE_SPAN_KINDS)
        return PyErr_Format(PyExc_TypeError, "Handler(): kind %d must be below %d", kind, SCOPE_SPAN_KINDS);
    WrapperObject *self = scope_new_wrapper(type, wrapped, handler_call);
    if (!self)
        return NULL;
    self->parts[NAME] = Py_NewRef(name);
    self->site = scope_runtime_name(name);
    self->kind = kind;
    return (PyObject *)self;
}

int scope_add_handler(PyObject *module)
{
    RunType = scope_awaiting_type(module, "scope._core.Run", sizeof(RunObject), run_slots);
    HandlerType = scope_wrapper_type(module, "scope._core.Handler", "A coroutine function with a span around each run.",
                                     handler_new);
    return RunType && HandlerType ? 0 : -1;
}
