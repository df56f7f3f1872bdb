/* The types of points, and their points: point.h. */
#include "point.h"

static PyObject *point_repr(PointObject *self)
{
    return PyUnicode_FromString(self->name);
}

static PyObject *point_reduce(PointObject *self, PyObject *unused)
{
    (void)unused;
    return point_repr(self);
}

static PyMethodDef point_methods[] = {
    {"__reduce__", (PyCFunction)point_reduce, METH_NOARGS, "Pickled by its name in this module."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject *scope_point_type(PyObject *module, const char *name, const char *doc, binaryfunc pass)
{
    PyType_Slot slots[] = {
        {Py_tp_doc, (void *)doc},
        {Py_tp_repr, point_repr},
        {Py_tp_methods, point_methods},
        {Py_nb_matrix_multiply, pass},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(PointObject),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
}

static int add_point(PyObject *module, PyTypeObject *type, const char *name, int role)
{
    PointObject *point = PyObject_New(PointObject, type);
    if (!point)
        return -1;
    point->role = role;
    point->name = name;
    int failed = PyModule_AddObjectRef(module, name, (PyObject *)point);
    Py_DECREF(point);
    return failed;
}

int scope_add_points(PyObject *module, PyTypeObject *type, const char *const *names)
{
    for (int role = 0; names[role]; role++)
        if (add_point(module, type, names[role], role) < 0)
            return -1;
    return PyModule_AddType(module, type);
}
