/* The value of the ContextVar and the two ways to change it. The rules are told in context.h. */
#include "context.h"

#include "mapping.h"

PyTypeObject *ContextType;

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
    PyObject *token = PyContextVar_Set(runtime.context_variable, (PyObject *)self);
    Py_DECREF(self);
    Py_XDECREF(token);
    return token ? 0 : -1;
}

int scope_context_become(ContextObject *context, RequestObject *request, uint32_t span, bool suppressed)
{
    if (!context || !runtime.in_place || !scope_held_alone(PyThreadState_Get(), (PyObject *)context))
        return set_new(request, span, suppressed);
    if (context->request != request)
        Py_XSETREF(context->request, (RequestObject *)Py_XNewRef((PyObject *)request));
    context->span = span;
    context->suppressed = suppressed;
    return 0;
}

static void restore_span(RequestObject *request, uint32_t span, uint32_t parent)
{
    ContextObject *context = scope_context();
    bool ours = context && context->request == request && context->span == span;
    if (ours && scope_context_become(context, request, parent, false) < 0)
        PyErr_Clear();
    Py_XDECREF(context);
}

void scope_context_restore(RequestObject *request, uint32_t span, uint32_t parent)
{
    if (__builtin_expect(!PyErr_Occurred(), 1)) {
        restore_span(request, span, parent);
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    restore_span(request, span, parent);
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

int scope_add_context(PyObject *module)
{
    ContextType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &context_spec, NULL);
    runtime.context_variable = PyContextVar_New("scope.context", NULL);
    if (!ContextType || !runtime.context_variable || PyModule_AddFunctions(module, context_functions) < 0)
        return -1;
    runtime.in_place = scope_mapping_prepare(runtime.context_variable);
    return 0;
}
