/* bundle(): byte strings of equal length as one, without what they have in common: ../bundle.h. */
#include "readers.h"

#include "../bundle.h"

/* The bytes of each row; NULL with an exception set where they are not all bytes of one length. The caller frees it. */
static const uint8_t **rows_of(PyObject *list, size_t *size)
{
    Py_ssize_t count = PySequence_Fast_GET_SIZE(list);
    const uint8_t **rows = PyMem_Malloc((size_t)count * sizeof *rows);
    if (!rows)
        return (const uint8_t **)PyErr_NoMemory();
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *row = PySequence_Fast_GET_ITEM(list, index);
        if (!PyBytes_Check(row) || (index && (size_t)PyBytes_GET_SIZE(row) != *size)) {
            PyErr_SetString(PyExc_ValueError, "bundle() takes bytes, all of one length");
            PyMem_Free(rows);
            return NULL;
        }
        *size = (size_t)PyBytes_GET_SIZE(row);
        rows[index] = (const uint8_t *)PyBytes_AS_STRING(row);
    }
    return rows;
}

static PyObject *bundle_of(const uint8_t *const *rows, size_t count, size_t size)
{
    scope_bundle bundle;
    if (!scope_bundle_plan(&bundle, rows, count, size))
        return PyErr_NoMemory();
    PyObject *result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bundle.bytes);
    if (result)
        scope_bundle_write(&bundle, (uint8_t *)PyBytes_AS_STRING(result));
    scope_bundle_drop(&bundle);
    return result;
}

/* bundle(rows, /) */
static PyObject *bundle(PyObject *module, PyObject *given)
{
    (void)module;
    PyObject *list = PySequence_Fast(given, "bundle() takes a sequence of bytes");
    if (!list)
        return NULL;
    size_t size = 0;
    PyObject *result = NULL;
    const uint8_t **rows = NULL;
    if (PySequence_Fast_GET_SIZE(list) == 0)
        PyErr_SetString(PyExc_ValueError, "bundle() takes at least one row");
    else
        rows = rows_of(list, &size);
    if (rows)
        result = bundle_of(rows, (size_t)PySequence_Fast_GET_SIZE(list), size);
    PyMem_Free((void *)rows);
    Py_DECREF(list);
    return result;
}

static PyMethodDef bundle_functions[] = {
    {"bundle", bundle, METH_O, "bundle(rows): byte strings of equal length as one, without what they have in common."},
    {NULL, NULL, 0, NULL},
};

int scope_add_bundle(PyObject *module)
{
    return PyModule_AddFunctions(module, bundle_functions);
}
