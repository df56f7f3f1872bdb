/* The value of the ContextVar and the two ways to change it. The rules are told in context.h. */
#include "context.h"

PyTypeObject *ContextType;

/* The beginning of CPython's context object, the same in 3.11 to 3.14; verified at import, see known_layout(). */
typedef struct {
    PyObject_HEAD
    PyObject *previous;
    PyObject *mapping;
} context_layout;

static PyObject *current_mapping(PyThreadState *thread)
{
    context_layout *context = (context_layout *)thread->context;
    return context ? context->mapping : NULL;
}

/* References to a value that nobody else holds: the mapping's and the caller's. */
#define ALONE 2

static bool is_ours_alone(const ContextObject *self, PyThreadState *thread)
{
    if (!runtime.in_place || self->thread != thread || self->version != thread->context_ver)
        return false;
    PyObject *mapping = current_mapping(thread);
    return mapping && mapping == self->root && Py_REFCNT(mapping) == 1 && Py_REFCNT(self) == ALONE;
}

ContextObject *scope_context(void)
{
    PyObject *value = NULL;
    if (PyContextVar_Get(runtime.context_variable, NULL, &value) < 0) {
        PyErr_Clear();
        return NULL;
    }
    if (value && !Py_IS_TYPE(value, ContextType))
        Py_CLEAR(value);
    return (ContextObject *)value;
}

static int set_new(RequestObject *request, uint32_t span, bool suppressed)
{
    ContextObject *self = PyObject_New(ContextObject, ContextType);
    if (!self)
        return -1;
    self->request = (RequestObject *)Py_XNewRef((PyObject *)request);
    self->span = span;
    self->suppressed = suppressed;
    self->root = NULL;
    PyObject *token = PyContextVar_Set(runtime.context_variable, (PyObject *)self);
    if (token) {
        PyThreadState *thread = PyThreadState_Get();
        self->root = current_mapping(thread);
        self->thread = thread;
        self->version = thread->context_ver;
    }
    Py_DECREF(self);
    Py_XDECREF(token);
    return token ? 0 : -1;
}

int scope_context_become(ContextObject *context, RequestObject *request, uint32_t span, bool suppressed)
{
    if (!context || !is_ours_alone(context, PyThreadState_Get()))
        return set_new(request, span, suppressed);
    if (context->request != request)
        Py_XSETREF(context->request, (RequestObject *)Py_XNewRef((PyObject *)request));
    context->span = span;
    context->suppressed = suppressed;
    return 0;
}

void scope_context_restore(RequestObject *request, uint32_t span, uint32_t parent)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    ContextObject *context = scope_context();
    bool ours = context && context->request == request && context->span == span;
    if (ours && scope_context_become(context, request, parent, false) < 0)
        PyErr_Clear();
    Py_XDECREF(context);
    PyErr_Restore(type, value, traceback);
}

/* suppress(): nothing is captured in this context until restore(); returns what restore() wants. */
static PyObject *suppress(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    ContextObject *before = scope_context();
    if (set_new(NULL, 0, true) == 0)
        return before ? (PyObject *)before : Py_NewRef(Py_None);
    Py_XDECREF(before);
    return NULL;
}

static PyObject *restore(PyObject *module, PyObject *before)
{
    (void)module;
    ContextObject *former = Py_IS_TYPE(before, ContextType) ? (ContextObject *)before : NULL;
    if (set_new(former ? former->request : NULL, former ? former->span : 0, former && former->suppressed) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef context_functions[] = {
    {"suppress", suppress, METH_NOARGS, "Capture nothing in this context until restore()."},
    {"restore", restore, METH_O, "Make current what was before suppress()."},
    {NULL, NULL, 0, NULL},
};

static void context_dealloc(ContextObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->request);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot context_slots[] = {
    {Py_tp_doc, "Which request and which span is current."},
    {Py_tp_dealloc, context_dealloc},
    {0, NULL},
};

static PyType_Spec context_spec = {
    .name = "scope._core.Context",
    .basicsize = sizeof(ContextObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = context_slots,
};

/* Whether a context's mapping is where we take it to be: a copy must raise its reference count by one, a set in the copy
 * must give the copy another mapping. Where not, in-place changes stay off and everything else works. */
static bool known_layout(void)
{
#ifdef Py_GIL_DISABLED
    return false; /* reference counts are split between threads there */
#else
    bool known = false;
    PyObject *context = PyContext_New();
    if (!context || PyContext_Enter(context) < 0)
        goto done;
    if (set_new(NULL, 1, false) == 0) {
        PyObject *mapping = ((context_layout *)context)->mapping;
        Py_ssize_t before = Py_REFCNT(mapping);
        PyObject *copy = PyContext_Copy(context);
        known = before == 1 && copy && ((context_layout *)copy)->mapping == mapping && Py_REFCNT(mapping) == 2
                && PyThreadState_Get()->context == context;
        Py_XDECREF(copy);
        known = known && Py_REFCNT(mapping) == 1;
    }
    if (PyContext_Exit(context) < 0)
        known = false;
done:
    PyErr_Clear();
    Py_XDECREF(context);
    return known;
#endif
}

int scope_add_context(PyObject *module)
{
    ContextType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &context_spec, NULL);
    runtime.context_variable = PyContextVar_New("scope.context", NULL);
    if (!ContextType || !runtime.context_variable || PyModule_AddFunctions(module, context_functions) < 0)
        return -1;
    runtime.in_place = known_layout();
    return 0;
}
