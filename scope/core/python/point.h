/* Points: constants of recorded code that stand as the left operand of `@`, each with a role. */
#ifndef SCOPE_POINT_H
#define SCOPE_POINT_H

#include "runtime.h"

typedef struct {
    PyObject_HEAD
    int role; /* its place among the names of its type's points */
    const char *name; /* in the module, by which it is pickled */
} PointObject;

/* A type of points called `name`, whose `point @ value` is pass(point, value). NULL with an exception set. */
PyTypeObject *scope_point_type(PyObject *module, const char *name, const char *doc, binaryfunc pass);

/* Adds the type to the module, and a point of it by each of the `names`, which end with NULL. 0, or -1 with an exception set. */
int scope_add_points(PyObject *module, PyTypeObject *type, const char *const *names);

#endif
