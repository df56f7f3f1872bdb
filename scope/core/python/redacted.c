#include "redacted.h"

#include "../redact.h"

PyObject *scope_redacted(PyObject *module, PyObject *text)
{
    (void)module;
    if (!PyUnicode_Check(text))
        return PyErr_Format(PyExc_TypeError, "expected str, not %.100s", Py_TYPE(text)->tp_name);
    PyObject *bytes = PyUnicode_AsUTF8String(text);
    if (!bytes)
        return NULL;
    /* The bytes object is new and nobody else's, so it may be written to; the result is never longer. */
    size_t length = scope_redact(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    PyObject *redacted = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(bytes), (Py_ssize_t)length, "replace");
    Py_DECREF(bytes);
    return redacted;
}
