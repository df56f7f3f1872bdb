/* Whether the mapping that a context is holds a value that nobody else can reach.
 *
 * CPython keeps the variables of a context in an immutable tree (hamt.c: nodes of up to 32 slots, picked by five bits of the
 * key's hash at a time). A copy of a context shares the tree. Setting a variable makes new nodes along the way to it and
 * shares all others. So a second owner anywhere, of the tree, of a node on the way to our value or of the value itself, is
 * what another context leaves behind that can reach the value; and where there is none, no other context can.
 *
 * The layout of the nodes is private to CPython, the same in 3.11 to 3.14, and verified when the module is loaded.
 */
#ifndef SCOPE_MAPPING_H
#define SCOPE_MAPPING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

/* Learns the layout and tries it; `variable` is the key that scope_held_alone() is asked about. False where it is not as it
 * is known; then nothing may be asked. Leaves no exception set. */
bool scope_mapping_prepare(PyObject *variable);

/* Whether the running context of `thread` is the only one that can reach `value`, which the caller owns one reference to. */
bool scope_held_alone(PyThreadState *thread, PyObject *value);

#endif
