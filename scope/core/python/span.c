/* Span: a span around a block of code, named at run time. Outside any request it begins a task of its own. */

#include "context.h"
#include "emit.h"
#include "open_span.h"
#include "request.h"
#include "soon.h"
#include "span.h"
#include "values.h"
#include "../inbound.h"

static PyTypeObject *SpanType;

#define NOBODYS UINT32_MAX /* the number of a generator's span that began outside any request */

typedef struct {
    PyObject_HEAD
    scope_open_span span;
    uint32_t inner; /* the span that was current in a generator's body when it last yielded */
} SpanObject;

static SpanObject *new_span(PyObject *name, PyObject *attributes, uint8_t kind)
{
    SpanObject *self = PyObject_New(SpanObject, SpanType);
    if (!self)
        return NULL;
    self->span = (scope_open_span){.name = Py_NewRef(name), .attributes = Py_XNewRef(attributes), .kind = kind};
    self->inner = 0;
    return self;
}

/* Span(name, kind=0, attributes=None, /), called for every traced handler: without a tuple of arguments in between. */
static PyObject *span_vectorcall(PyObject *type, PyObject *const *args, size_t flags, PyObject *names)
{
    (void)type;
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (count < 1 || count > 3 || (names && PyTuple_GET_SIZE(names)) || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "Span() takes a name (a str), a kind and attributes, by position");
        return NULL;
    }
    long kind = count > 1 ? PyLong_AsLong(args[1]) : 0;
    PyObject *attributes = count > 2 && args[2] != Py_None ? args[2] : NULL;
    if (kind == -1 && PyErr_Occurred())
        return NULL;
    if (kind < 0 || kind >= SCOPE_SPAN_KINDS || (attributes && !PyDict_Check(attributes))) {
        PyErr_Format(PyExc_TypeError, "Span(): kind %ld must be below %d and attributes a dict or None", kind, SCOPE_SPAN_KINDS);
        return NULL;
    }
    return (PyObject *)new_span(args[0], attributes, (uint8_t)kind);
}

static PyObject *span_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    if (kwargs && PyDict_GET_SIZE(kwargs)) {
        PyErr_SetString(PyExc_TypeError, "Span() takes no keyword arguments");
        return NULL;
    }
    return span_vectorcall((PyObject *)type, PySequence_Fast_ITEMS(args), (size_t)PyTuple_GET_SIZE(args), NULL);
}

/* Keyword arguments of a fast call as a dict; NULL for none, or with an exception set. */
static PyObject *keywords(PyObject *const *values, PyObject *names)
{
    Py_ssize_t count = names ? PyTuple_GET_SIZE(names) : 0;
    PyObject *attributes = count ? PyDict_New() : NULL;
    for (Py_ssize_t index = 0; attributes && index < count; index++)
        if (PyDict_SetItem(attributes, PyTuple_GET_ITEM(names, index), values[index]) < 0)
            Py_CLEAR(attributes);
    return attributes;
}

/* span(name, /, **attributes) */
static PyObject *span(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    (void)module;
    if (count != 1 || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "span() takes one name (a str) and attributes as keywords: span(\"price\", items=3)");
        return NULL;
    }
    PyObject *attributes = keywords(args + count, names);
    SpanObject *self = PyErr_Occurred() ? NULL : new_span(args[0], attributes, 0);
    Py_XDECREF(attributes);
    return (PyObject *)self;
}

PyObject *scope_activation(uint32_t site)
{
    SpanObject *self = new_span(Py_None, NULL, 7);
    if (self) {
        self->span.is_code = true;
        self->span.site = site;
    }
    return (PyObject *)self;
}

/* activation(site, /): the span of one call of a probed coroutine or generator. */
static PyObject *activation(PyObject *module, PyObject *site)
{
    (void)module;
    unsigned long number = PyLong_AsUnsignedLong(site);
    if (number == (unsigned long)-1 && PyErr_Occurred())
        return NULL;
    return scope_activation((uint32_t)number);
}

static PyObject *span_enter(SpanObject *self, PyObject *unused)
{
    (void)unused;
    if (self->span.request) {
        PyErr_Format(PyExc_RuntimeError, "span %R is already entered; make a new one for each block", self->span.name);
        return NULL;
    }
    if (scope_span_begin(&self->span) < 0)
        return NULL;
    return Py_NewRef((PyObject *)self);
}

static PyObject *span_exit(SpanObject *self, PyObject *const *args, Py_ssize_t count)
{
    scope_span_end(&self->span, count > 1 ? args[1] : NULL);
    Py_RETURN_FALSE;
}

/* ---- resume and suspend, for the bodies of probed generators: their own current span while they run ---- */

/* Whether the context is that of another request than the span's, or of nothing at all on purpose. */
static bool is_foreign(const SpanObject *self, const ContextObject *context)
{
    return context && (context->suppressed || (context->request && context->request != self->span.request));
}

/* The first step of a generator: it belongs to the request that takes it, and where there is none, to none for good. */
static PyObject *resume_first(SpanObject *self)
{
    if (scope_span_begin(&self->span) < 0)
        return NULL;
    if (self->span.request)
        return PyLong_FromUnsignedLong(self->span.parent);
    self->span.number = NOBODYS;
    Py_RETURN_NONE;
}

/* Makes the generator's span current where the generator left off; returns what suspend() wants. Where another request runs
 * the generator, what its body does is that request's. */
PyObject *scope_steps_resume(PyObject *span, PyObject *unused)
{
    SpanObject *self = (SpanObject *)span;
    (void)unused;
    if (!self->span.request && !self->span.number)
        return resume_first(self);
    if (!self->span.request)
        Py_RETURN_NONE; /* ended, or nobody's */
    ContextObject *context = scope_context();
    if (is_foreign(self, context))
        return (PyObject *)context;
    uint32_t inner = self->inner ? self->inner : self->span.number;
    uint32_t outer = context && context->request ? context->span : 0;
    int failed = scope_context_become(context, self->span.request, inner, false);
    Py_XDECREF(context);
    return failed < 0 ? NULL : PyLong_FromUnsignedLong(outer);
}

/* Gives a context that is another request's back as resume() found it. */
static int leave_foreign(ContextObject *before)
{
    ContextObject *context = scope_context();
    int failed = 0;
    if (context != before)
        failed = scope_context_become(context, before->request, before->span, before->suppressed);
    Py_XDECREF(context);
    return failed;
}

/* Gives its own request's context back as resume() found it, and notes where the body is. */
static int leave_own(SpanObject *self, uint32_t outer)
{
    ContextObject *context = scope_context();
    int failed = 0;
    if (context && context->request == self->span.request) {
        self->inner = context->span;
        failed = scope_context_become(context, outer ? self->span.request : NULL, outer, false);
    }
    Py_XDECREF(context);
    return failed;
}

PyObject *scope_steps_suspend(PyObject *span, PyObject *before)
{
    SpanObject *self = (SpanObject *)span;
    int failed = 0;
    if (Py_IS_TYPE(before, ContextType))
        failed = leave_foreign((ContextObject *)before);
    else if (self->span.request && PyLong_Check(before))
        failed = leave_own(self, (uint32_t)PyLong_AsUnsignedLongMask(before));
    if (failed < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Ends the span without touching the context: after suspend() the generator is nobody's current span. */
PyObject *scope_steps_finish(PyObject *span, PyObject *error)
{
    scope_span_finish(&((SpanObject *)span)->span, error);
    Py_RETURN_NONE;
}

bool scope_steps_place(PyObject *span, RequestObject **request, uint32_t *number)
{
    const scope_open_span *open = &((SpanObject *)span)->span;
    if (!open->request)
        return false;
    *request = open->request;
    *number = open->number;
    return true;
}

static PyObject *span_annotate(SpanObject *self, PyObject *args, PyObject *attributes)
{
    if (PyTuple_GET_SIZE(args)) {
        PyErr_SetString(PyExc_TypeError, "annotate() takes keyword arguments only: annotate(user_id=42)");
        return NULL;
    }
    if (self->span.request && attributes)
        scope_annotate(self->span.request, self->span.number, attributes);
    PyErr_Clear();
    Py_RETURN_NONE;
}

static PyObject *span_id(SpanObject *self, void *unused)
{
    (void)unused;
    if (!self->span.request)
        Py_RETURN_NONE;
    char text[16];
    scope_write_hex64(text, scope_span_id(self->span.request->span_id, self->span.number));
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

static void span_dealloc(SpanObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->span.request);
    Py_XDECREF(self->span.name);
    Py_XDECREF(self->span.attributes);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- async with ---- */

static PyObject *span_aenter(SpanObject *self, PyObject *unused)
{
    return scope_soon(span_enter(self, unused));
}

static PyObject *span_aexit(SpanObject *self, PyObject *const *args, Py_ssize_t count)
{
    return scope_soon(span_exit(self, args, count));
}

/* mark(name, /, **attributes) */
static PyObject *mark(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    (void)module;
    if (count != 1 || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "mark() takes one name (a str) and attributes as keywords: mark(\"cache miss\", key=3)");
        return NULL;
    }
    ContextObject *context = scope_context();
    if (!context || !context->request) {
        Py_XDECREF(context);
        Py_RETURN_NONE;
    }
    PyObject *attributes = keywords(args + count, names);
    uint32_t site = scope_span_site(context->request, 0, args[0]);
    if (site && !attributes)
        scope_emit(context->request, SCOPE_MARK, site, context->span, 0);
    else {
        uint8_t bytes[SCOPE_SPAN_BYTES];
        scope_buffer buffer = scope_span_buffer(context->request, bytes);
        scope_put_masked_text(&buffer, site ? NULL : args[0], 512);
        scope_put_attributes(&buffer, attributes);
        scope_emit_payload(context->request, SCOPE_MARK, site, context->span, 0, bytes, scope_buffer_size(&buffer));
    }
    PyErr_Clear();
    Py_XDECREF(attributes);
    Py_DECREF(context);
    Py_RETURN_NONE;
}

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef span_methods[] = {
    {"__enter__", (PyCFunction)span_enter, METH_NOARGS, "Begin the span."},
    {"__exit__", FAST(span_exit), METH_FASTCALL, "End the span."},
    {"__aenter__", (PyCFunction)span_aenter, METH_NOARGS, "Begin the span."},
    {"__aexit__", FAST(span_aexit), METH_FASTCALL, "End the span."},
    {"annotate", FAST(span_annotate), METH_VARARGS | METH_KEYWORDS, "Attach attributes to this span."},
    {"resume", scope_steps_resume, METH_NOARGS, "Make the span current; returns what suspend() wants."},
    {"suspend", scope_steps_suspend, METH_O, "Make current what was before resume()."},
    {"finish", scope_steps_finish, METH_O, "End the span with an exception or None."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef span_members[] = {
    {"name", T_OBJECT, offsetof(SpanObject, span.name), READONLY, "The span's name."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef span_getters[] = {
    {"span_id", (getter)span_id, NULL, "The W3C span id while the span is open, else None.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot span_slots[] = {
    {Py_tp_doc, "A span around a block; with and async with."},
    {Py_tp_new, span_new},
    {Py_tp_dealloc, span_dealloc},
    {Py_tp_methods, span_methods},
    {Py_tp_members, span_members},
    {Py_tp_getset, span_getters},
    {0, NULL},
};

static PyType_Spec span_spec = {
    .name = "scope._core.Span",
    .basicsize = sizeof(SpanObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = span_slots,
};

static PyMethodDef span_functions[] = {
    {"span", FAST(span), METH_FASTCALL | METH_KEYWORDS, "span(name, /, **attributes): a span around a block."},
    {"mark", FAST(mark), METH_FASTCALL | METH_KEYWORDS, "mark(name, /, **attributes): a moment within the current span."},
    {"activation", activation, METH_O, "activation(site): the span of one call of a probed coroutine or generator."},
    {NULL, NULL, 0, NULL},
};

int scope_add_span(PyObject *module)
{
    SpanType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &span_spec, NULL);
    if (!SpanType || scope_add_soon(module) < 0 || PyModule_AddFunctions(module, span_functions) < 0)
        return -1;
    SpanType->tp_vectorcall = span_vectorcall;
    return PyModule_AddType(module, SpanType);
}
