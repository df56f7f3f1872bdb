/* An awaitable that is done at once: what `async with` wants of a block that has nothing to wait for. */
#include "soon.h"

static PyTypeObject *SoonType;

typedef struct {
    PyObject_HEAD
    PyObject *value; /* NULL once delivered */
} SoonObject;

PyObject *scope_soon(PyObject *value)
{
    SoonObject *self = value ? PyObject_New(SoonObject, SoonType) : NULL;
    if (!self) {
        Py_XDECREF(value);
        return NULL;
    }
    self->value = value;
    return (PyObject *)self;
}

static PySendResult soon_send(SoonObject *self, PyObject *sent, PyObject **result)
{
    (void)sent;
    *result = self->value ? self->value : Py_NewRef(Py_None);
    self->value = NULL;
    return PYGEN_RETURN;
}

static PyObject *soon_next(SoonObject *self)
{
    PyObject *value;
    soon_send(self, NULL, &value);
    PyErr_SetObject(PyExc_StopIteration, value);
    Py_DECREF(value);
    return NULL;
}

static void soon_dealloc(SoonObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->value);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot soon_slots[] = {
    {Py_tp_doc, "An awaitable that is done at once."},
    {Py_tp_dealloc, soon_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, soon_next},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, soon_send},
    {0, NULL},
};

static PyType_Spec soon_spec = {
    .name = "scope._core.Soon",
    .basicsize = sizeof(SoonObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = soon_slots,
};

int scope_add_soon(PyObject *module)
{
    SoonType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &soon_spec, NULL);
    return SoonType ? 0 : -1;
}
