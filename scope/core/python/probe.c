/* Probe: a callable around a synchronous function that records each call within a request.
 *
 * Entry and exit are one 32-byte record each; outside any request the call goes straight through. The probe looks like what
 * it wraps: it binds as a method, and attributes that it lacks are the function's.
 */

#include "context.h"
#include "emit.h"
#include "request.h"

static PyTypeObject *ProbeType;

typedef struct {
    PyObject_HEAD
    PyObject *wrapped;
    PyObject *dict;
    PyObject *weak_references;
    vectorcallfunc vectorcall;
    uint32_t site; /* process-wide number of the definition */
} ProbeObject;

/* The end of a call that raised. */
static void end_failed(RequestObject *request, uint32_t site, uint32_t span)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback && error)
        PyException_SetTraceback(error, traceback);
    uint8_t outcome = scope_outcome_of(error);
    if (outcome == SCOPE_OUTCOME_EXCEPTION)
        scope_record_error(request, span, error, true);
    scope_emit(request, SCOPE_FUNCTION_EXIT, site, span, outcome);
    PyErr_Restore(type, error, traceback);
}

/* Takes over the reference to `context`. */
static PyObject *call_traced(ProbeObject *self, ContextObject *context, PyObject *const *args, size_t flags, PyObject *names)
{
    RequestObject *request = (RequestObject *)Py_NewRef((PyObject *)context->request);
    SessionObject *session = runtime.session;
    uint32_t site = session && session->serial == request->serial ? scope_session_site(session, self->site) : 0;
    uint32_t span = scope_next_span(request);
    uint32_t parent = context->span;
    scope_emit(request, SCOPE_FUNCTION_ENTER, site, span, parent);
    if (scope_context_become(context, request, span, false) < 0)
        PyErr_Clear();
    Py_DECREF(context);
    PyObject *result = PyObject_Vectorcall(self->wrapped, args, flags, names);
    if (__builtin_expect(result != NULL, 1))
        scope_emit(request, SCOPE_FUNCTION_EXIT, site, span, SCOPE_OUTCOME_OK);
    else
        end_failed(request, site, span);
    scope_context_restore(request, span, parent);
    Py_DECREF(request);
    return result;
}

static PyObject *probe_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    ProbeObject *self = (ProbeObject *)callable;
    ContextObject *context = scope_context();
    if (!context || !context->request) {
        Py_XDECREF(context);
        return PyObject_Vectorcall(self->wrapped, args, flags, names);
    }
    return call_traced(self, context, args, flags, names);
}

static PyObject *probe_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *wrapped;
    unsigned int site;
    static char *names[] = {"", "", NULL}; /* positional only */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OI:Probe", names, &wrapped, &site))
        return NULL;
    if (!PyCallable_Check(wrapped)) {
        PyErr_Format(PyExc_TypeError, "Probe() takes a callable, not %s", Py_TYPE(wrapped)->tp_name);
        return NULL;
    }
    ProbeObject *self = (ProbeObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->wrapped = Py_NewRef(wrapped);
    self->vectorcall = probe_call;
    self->site = site;
    return (PyObject *)self;
}

static PyObject *probe_get(PyObject *self, PyObject *object, PyObject *type)
{
    (void)type;
    return object && object != Py_None ? PyMethod_New(self, object) : Py_NewRef(self);
}

/* Attributes that the probe lacks are the function's: __code__, __defaults__, marks of other decorators. */
static PyObject *probe_getattr(PyObject *self, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(self, name);
    if (value || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return PyObject_GetAttr(((ProbeObject *)self)->wrapped, name);
}

static PyObject *probe_repr(ProbeObject *self)
{
    return PyUnicode_FromFormat("<probed %R>", self->wrapped);
}

/* Pickled and copied by name, like the function. */
static PyObject *probe_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyObject_GetAttrString(self, "__qualname__");
}

static int probe_traverse(ProbeObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->wrapped);
    Py_VISIT(self->dict);
    return 0;
}

static int probe_clear(ProbeObject *self)
{
    Py_CLEAR(self->dict);
    return 0;
}

static void probe_dealloc(ProbeObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weak_references)
        PyObject_ClearWeakRefs((PyObject *)self);
    Py_XDECREF(self->wrapped);
    Py_XDECREF(self->dict);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef probe_methods[] = {
    {"__reduce__", probe_reduce, METH_NOARGS, "Pickled by name."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef probe_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(ProbeObject, vectorcall), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(ProbeObject, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ProbeObject, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef probe_getters[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot probe_slots[] = {
    {Py_tp_doc, "A synchronous function whose calls are recorded within requests."},
    {Py_tp_new, probe_new},
    {Py_tp_dealloc, probe_dealloc},
    {Py_tp_traverse, probe_traverse},
    {Py_tp_clear, probe_clear},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, probe_get},
    {Py_tp_getattro, probe_getattr},
    {Py_tp_repr, probe_repr},
    {Py_tp_methods, probe_methods},
    {Py_tp_members, probe_members},
    {Py_tp_getset, probe_getters},
    {0, NULL},
};

static PyType_Spec probe_spec = {
    .name = "scope._core.Probe",
    .basicsize = sizeof(ProbeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR
             | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = probe_slots,
};

int scope_add_probe(PyObject *module)
{
    ProbeType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &probe_spec, NULL);
    return ProbeType ? PyModule_AddType(module, ProbeType) : -1;
}
