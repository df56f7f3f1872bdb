/* Redaction for what is not recorded but shown to others. */
#ifndef SCOPE_PYTHON_REDACTED_H
#define SCOPE_PYTHON_REDACTED_H

#include <Python.h>

/* redact(text) -> str: what has the name or the shape of a secret hidden. A surrogate raises UnicodeEncodeError. */
PyObject *scope_redacted(PyObject *module, PyObject *text);

#endif
