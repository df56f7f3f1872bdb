/* Tasks of an event loop, as their callbacks and their coroutines show them. */
#ifndef SCOPE_SUSPENSION_H
#define SCOPE_SUSPENSION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

/* The task whose step `callback` is; borrowed, NULL where it is no task's. May leave an exception set. */
PyObject *scope_task_of(PyObject *callback);

/* The definition of the innermost coroutine that the task is suspended in; 0 where it has ended. Leaves no exception set. */
uint32_t scope_suspended_in(PyObject *task);

int scope_add_suspension(void);

#endif
