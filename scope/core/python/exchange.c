/* Tracer: runs an ASGI application as one request. What its call returns is awaited like the application's own coroutine; there
 * is no frame of Python's in between, neither in the processor's caches nor in tracebacks.
 */
#include "awaiting.h"
#include "request.h"

static PyTypeObject *TracerType, *ExchangeType;
static PyObject *key_request;

typedef struct {
    PyObject_HEAD
    PyObject *header_name; /* of the correlation header, bytes */
    PyObject *is_excluded; /* scope -> whether it is not to be traced; NULL: none is */
    PyObject *settle; /* what is called before the first exchange; NULL: nothing, or it was */
    vectorcallfunc vectorcall;
    bool trusted;
} TracerObject;

enum { APP, SCOPE, RECEIVE, SEND, ARGUMENTS };

/* One call of the application. */
typedef struct {
    AwaitingObject awaiting;
    TracerObject *tracer;
    PyObject *arguments[ARGUMENTS]; /* NULL once it was called */
    RequestObject *request; /* NULL: not begun, or nothing is captured */
    PyObject *before; /* what was current before; NULL: the request never was */
} ExchangeObject;

/* ---- the exchange ---- */

static PyObject *call_app(const ExchangeObject *self, PyObject *receive, PyObject *send)
{
    PyObject *arguments[] = {NULL, self->arguments[SCOPE], receive, send};
    return PyObject_Vectorcall(self->arguments[APP], arguments + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* Its messages are looked at for the one that says that the process is about to end. */
static PyObject *call_lifespan(const ExchangeObject *self, RequestObject *request)
{
    PyObject *receive = scope_wrap_receive(request, self->arguments[RECEIVE]);
    PyObject *awaitable = receive ? call_app(self, receive, self->arguments[SEND]) : NULL;
    Py_XDECREF(receive);
    return awaitable;
}

/* The life of an application is nobody's current request, for what it starts runs beside all requests. */
static PyObject *call_traced(ExchangeObject *self)
{
    RequestObject *request = self->request;
    if (request->kind == SCOPE_KIND_LIFESPAN)
        return call_lifespan(self, request);
    if (PyObject_SetItem(self->arguments[SCOPE], key_request, (PyObject *)request) < 0)
        return NULL;
    self->before = scope_activate_request(request);
    PyObject *receive = self->before ? scope_wrap_receive(request, self->arguments[RECEIVE]) : NULL;
    PyObject *send = receive ? scope_wrap_send(request, self->arguments[SEND]) : NULL;
    PyObject *awaitable = send ? call_app(self, receive, send) : NULL;
    Py_XDECREF(receive);
    Py_XDECREF(send);
    return awaitable;
}

static int exchange_begin(AwaitingObject *base)
{
    ExchangeObject *self = (ExchangeObject *)base;
    self->request = scope_begin_request(self->arguments[SCOPE], self->tracer->header_name, self->tracer->trusted);
    PyObject *awaitable = self->request ? call_traced(self)
                                        : call_app(self, self->arguments[RECEIVE], self->arguments[SEND]);
    for (int index = 0; index < ARGUMENTS; index++)
        Py_CLEAR(self->arguments[index]);
    base->inner = awaitable ? scope_awaited(awaitable) : NULL;
    Py_XDECREF(awaitable);
    return base->inner ? 0 : -1;
}

static void leave(ExchangeObject *self)
{
    if (self->before && scope_deactivate_request(self->request, self->before) < 0)
        PyErr_Clear();
    Py_CLEAR(self->before);
    Py_CLEAR(self->request);
}

static void exchange_ended(AwaitingObject *base, PyObject *value)
{
    ExchangeObject *self = (ExchangeObject *)base;
    (void)value;
    if (!self->request)
        return;
    scope_end_request(self->request, SCOPE_OUTCOME_OK);
    leave(self);
}

static void exchange_failed(AwaitingObject *base, PyObject *error)
{
    ExchangeObject *self = (ExchangeObject *)base;
    if (!self->request)
        return;
    scope_fail_request(self->request, error);
    leave(self);
}

static const scope_awaiting_kind exchange_kind = {exchange_begin, exchange_ended, exchange_failed};

static PyObject *new_exchange(TracerObject *tracer, PyObject *const *arguments)
{
    ExchangeObject *self = PyObject_GC_New(ExchangeObject, ExchangeType);
    if (!self)
        return NULL;
    scope_awaiting_init(&self->awaiting, &exchange_kind, NULL);
    self->tracer = (TracerObject *)Py_NewRef((PyObject *)tracer);
    for (int index = 0; index < ARGUMENTS; index++)
        self->arguments[index] = Py_NewRef(arguments[index]);
    self->request = NULL;
    self->before = NULL;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int exchange_traverse(ExchangeObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->awaiting.inner);
    Py_VISIT(self->tracer);
    for (int index = 0; index < ARGUMENTS; index++)
        Py_VISIT(self->arguments[index]);
    return 0;
}

static void exchange_dealloc(ExchangeObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (!scope_awaiting_finish(&self->awaiting))
        return;
    Py_XDECREF(self->awaiting.inner);
    for (int index = 0; index < ARGUMENTS; index++)
        Py_XDECREF(self->arguments[index]);
    Py_XDECREF(self->request);
    Py_XDECREF(self->before);
    Py_DECREF(self->tracer);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyType_Slot exchange_slots[] = {
    {Py_tp_doc, "One call of a traced application, awaited."},
    {Py_tp_dealloc, exchange_dealloc},
    {Py_tp_traverse, exchange_traverse},
    {0, NULL},
};

/* ---- the tracer ---- */

/* Whether `scope` runs as it is: it is traced already, or nobody wants it. -1 with an exception set. */
static int is_left_alone(const TracerObject *self, PyObject *scope)
{
    int traced = PyDict_CheckExact(scope) ? PyDict_Contains(scope, key_request) : PySequence_Contains(scope, key_request);
    if (traced || !self->is_excluded)
        return traced;
    PyObject *excluded = PyObject_CallOneArg(self->is_excluded, scope);
    int answer = excluded ? PyObject_IsTrue(excluded) : -1;
    Py_XDECREF(excluded);
    return answer;
}

static void settle(TracerObject *self)
{
    PyObject *call = self->settle;
    self->settle = NULL;
    PyObject *done = PyObject_CallNoArgs(call);
    if (!done)
        PyErr_WriteUnraisable(call);
    Py_XDECREF(done);
    Py_DECREF(call);
}

static PyObject *tracer_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    TracerObject *self = (TracerObject *)callable;
    if (PyVectorcall_NARGS(flags) != ARGUMENTS || names) {
        PyErr_SetString(PyExc_TypeError, "a Tracer takes an application, a scope, receive and send, by position");
        return NULL;
    }
    int alone = is_left_alone(self, args[SCOPE]);
    if (alone < 0)
        return NULL;
    if (alone)
        return PyObject_Vectorcall(args[APP], args + SCOPE, 3, NULL);
    if (__builtin_expect(self->settle != NULL, 0))
        settle(self);
    return new_exchange(self, args);
}

static PyObject *tracer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *header_name, *is_excluded = Py_None, *first = Py_None;
    int trusted;
    static char *names[] = {"", "", "", "", NULL}; /* positional only */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Sp|OO:Tracer", names, &header_name, &trusted, &is_excluded, &first))
        return NULL;
    TracerObject *self = (TracerObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->header_name = Py_NewRef(header_name);
    self->is_excluded = is_excluded == Py_None ? NULL : Py_NewRef(is_excluded);
    self->settle = first == Py_None ? NULL : Py_NewRef(first);
    self->trusted = trusted;
    self->vectorcall = tracer_call;
    return (PyObject *)self;
}

static int tracer_traverse(TracerObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->is_excluded);
    Py_VISIT(self->settle);
    return 0;
}

static int tracer_clear(TracerObject *self)
{
    Py_CLEAR(self->is_excluded);
    Py_CLEAR(self->settle);
    return 0;
}

static void tracer_dealloc(TracerObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->header_name);
    Py_XDECREF(self->is_excluded);
    Py_XDECREF(self->settle);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef tracer_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(TracerObject, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot tracer_slots[] = {
    {Py_tp_doc, "Runs ASGI applications as requests."},
    {Py_tp_new, tracer_new},
    {Py_tp_dealloc, tracer_dealloc},
    {Py_tp_traverse, tracer_traverse},
    {Py_tp_clear, tracer_clear},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, tracer_members},
    {0, NULL},
};

static PyType_Spec tracer_spec = {
    .name = "scope._core.Tracer",
    .basicsize = sizeof(TracerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = tracer_slots,
};

int scope_add_exchange(PyObject *module)
{
    key_request = PyUnicode_InternFromString(SCOPE_REQUEST_KEY);
    ExchangeType = scope_awaiting_type(module, "scope._core.Exchange", sizeof(ExchangeObject), exchange_slots);
    TracerType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &tracer_spec, NULL);
    if (!key_request || !ExchangeType || !TracerType)
        return -1;
    return PyModule_AddStringConstant(module, "REQUEST_KEY", SCOPE_REQUEST_KEY) < 0 ? -1 : PyModule_AddType(module, TracerType);
}
