/* Stand-ins for functions. What they promise is told in wrapper.h. */
#include "wrapper.h"

#include <structmember.h>

WrapperObject *scope_new_wrapper(PyTypeObject *type, PyObject *wrapped, vectorcallfunc call)
{
    if (!PyCallable_Check(wrapped)) {
        PyErr_Format(PyExc_TypeError, "%s() takes a callable, not %s", strrchr(type->tp_name, '.') + 1,
                     Py_TYPE(wrapped)->tp_name);
        return NULL;
    }
    WrapperObject *self = (WrapperObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->wrapped = Py_NewRef(wrapped);
    self->vectorcall = call;
    return self;
}

static PyObject *wrapper_get(PyObject *self, PyObject *object, PyObject *type)
{
    (void)type;
    return object && object != Py_None ? PyMethod_New(self, object) : Py_NewRef(self);
}

/* Attributes that the wrapper lacks are the function's: __code__, __defaults__, marks of other decorators. */
static PyObject *wrapper_getattr(PyObject *self, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(self, name);
    if (value || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return PyObject_GetAttr(((WrapperObject *)self)->wrapped, name);
}

static PyObject *wrapper_repr(WrapperObject *self)
{
    return PyUnicode_FromFormat("<probed %R>", self->wrapped);
}

/* Pickled and copied by name, like the function. */
static PyObject *wrapper_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyObject_GetAttrString(self, "__qualname__");
}

static int wrapper_traverse(WrapperObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->wrapped);
    Py_VISIT(self->dict);
    for (int index = 0; index < SCOPE_WRAPPER_PARTS; index++)
        Py_VISIT(self->parts[index]);
    return 0;
}

static int wrapper_clear(WrapperObject *self)
{
    Py_CLEAR(self->dict); /* not the parts: a call needs them */
    return 0;
}

static void wrapper_dealloc(WrapperObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weak_references)
        PyObject_ClearWeakRefs((PyObject *)self);
    Py_XDECREF(self->wrapped);
    Py_XDECREF(self->dict);
    for (int index = 0; index < SCOPE_WRAPPER_PARTS; index++)
        Py_XDECREF(self->parts[index]);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef wrapper_methods[] = {
    {"__reduce__", wrapper_reduce, METH_NOARGS, "Pickled by name."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef wrapper_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(WrapperObject, vectorcall), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(WrapperObject, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(WrapperObject, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef wrapper_getters[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject *scope_wrapper_type(PyObject *module, const char *name, const char *doc, newfunc make)
{
    PyType_Slot slots[] = {
        {Py_tp_doc, (void *)doc},
        {Py_tp_new, make},
        {Py_tp_dealloc, wrapper_dealloc},
        {Py_tp_traverse, wrapper_traverse},
        {Py_tp_clear, wrapper_clear},
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_descr_get, wrapper_get},
        {Py_tp_getattro, wrapper_getattr},
        {Py_tp_repr, wrapper_repr},
        {Py_tp_methods, wrapper_methods},
        {Py_tp_members, wrapper_members},
        {Py_tp_getset, wrapper_getters},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(WrapperObject),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR
                 | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type && PyModule_AddType(module, type) < 0)
        Py_CLEAR(type);
    return type;
}
