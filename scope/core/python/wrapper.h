/* Stand-ins for functions that do something of ours around each call.
 *
 * Each looks like what it wraps: it binds as a method, and attributes that it lacks are the function's, so that tools find the
 * code, the signature and the kind of the function in it.
 */
#ifndef SCOPE_WRAPPER_H
#define SCOPE_WRAPPER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define SCOPE_WRAPPER_PARTS 4

typedef struct {
    PyObject_HEAD
    PyObject *wrapped;
    PyObject *dict;
    PyObject *weak_references;
    vectorcallfunc vectorcall;
    uint32_t site; /* process-wide number of a definition */
    uint8_t kind; /* of the span */
    PyObject *parts[SCOPE_WRAPPER_PARTS]; /* what else the type needs; NULL where it does not */
} WrapperObject;

/* A new one of `type` that calls `call`; NULL with a TypeError where `wrapped` cannot be called. */
WrapperObject *scope_new_wrapper(PyTypeObject *type, PyObject *wrapped, vectorcallfunc call);

/* A type of them, added to the module. `make` is its tp_new. NULL with an exception set. */
PyTypeObject *scope_wrapper_type(PyObject *module, const char *name, const char *doc, newfunc make);

#endif
