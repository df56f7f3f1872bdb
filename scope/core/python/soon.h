/* An awaitable that is done at once. */
#ifndef SCOPE_SOON_H
#define SCOPE_SOON_H

#include "runtime.h"

/* One whose result is `value`, whose reference is taken over. NULL with an exception set, also where `value` is NULL. */
PyObject *scope_soon(PyObject *value);

int scope_add_soon(PyObject *module);

#endif
