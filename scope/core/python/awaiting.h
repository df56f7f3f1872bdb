/* Awaitables of ours around an awaitable of somebody else's: they pass everything on, both ways, and take note when the other
 * begins and how it ends.
 *
 * They behave as a coroutine with nothing but `return await other` in it would, at a fraction of its cost: await drives them
 * through am_send, send(), throw() and close() go to the other, and one that is dropped while suspended is closed.
 */
#ifndef SCOPE_AWAITING_H
#define SCOPE_AWAITING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

typedef struct AwaitingObject AwaitingObject;

/* What one type of them does. Each may be NULL. None leaves an exception set unless it says so. */
typedef struct {
    /* Before the first step; makes `inner` where there is none yet. 0, or -1 with an exception set: `failed` is called then. */
    int (*begin)(AwaitingObject *self);
    /* `inner` has returned `value`. */
    void (*ended)(AwaitingObject *self, PyObject *value);
    /* `inner`, or `begin`, has raised `error`; or it was closed, which is a GeneratorExit. */
    void (*failed)(AwaitingObject *self, PyObject *error);
} scope_awaiting_kind;

struct AwaitingObject {
    PyObject_HEAD
    const scope_awaiting_kind *kind;
    PyObject *inner; /* the iterator that `await` would drive; NULL before it is there and once it has ended */
    bool begun, running, over;
};

/* Sets the fields of a new object; takes over the reference to `inner`. The caller tracks the object. */
void scope_awaiting_init(AwaitingObject *self, const scope_awaiting_kind *kind, PyObject *inner);

/* The iterator that `await` would drive for `awaitable`; NULL with a TypeError where it cannot be awaited. */
PyObject *scope_awaited(PyObject *awaitable);

/* What one of them awaits, strong; NULL where it awaits nothing, or `object` is none of them. */
PyObject *scope_awaited_inside(PyObject *object);

/* A type of them: `slots` are those of its own (tp_dealloc and tp_traverse among them), `size` that of its objects. */
PyTypeObject *scope_awaiting_type(PyObject *module, const char *name, int size, PyType_Slot *slots);

/* For tp_dealloc of a type: closes what is suspended, and untracks. False where the object lives on. */
bool scope_awaiting_finish(AwaitingObject *self);

/* The exception that is set, normalised and with its traceback; it stays set when it is given back with PyErr_Restore. */
typedef struct {
    PyObject *type, *error, *traceback;
} scope_raised;

scope_raised scope_fetch_raised(void);
void scope_restore_raised(scope_raised raised);

#endif
