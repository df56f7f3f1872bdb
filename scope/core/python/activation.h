/* Activation: one call of an instrumented function, from its first instruction to its last. code_probe.c tells how. */
#ifndef SCOPE_ACTIVATION_H
#define SCOPE_ACTIVATION_H

#include "function.h"

typedef struct activation {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    scope_call call; /* not under way: nothing to end, or a generator's */
    PyObject *steps; /* of a generator: its Span */
    PyObject *outer; /* of a generator that runs: what its Span wants back when it is suspended */
    void *frame; /* of a generator: what it is found by */
    struct activation *next; /* with the same hash, or in the list of those to be used again */
} ActivationObject;

/* The activation that does nothing; it also stands for `__enter__`, which is called for nothing. */
extern ActivationObject *scope_nothing;

/* A new one that is called at its end as `call` says; NULL where memory is short (no exception set). */
ActivationObject *scope_new_activation(vectorcallfunc call);

/* Gives `type` the methods of a context manager: `exit`, and an `__enter__` that does nothing. */
int scope_add_block(PyTypeObject *type, PyObject *exit);

/* ---- yield_point.c ---- */

/* The generator whose first step this is begins, in the frame that runs; `steps` is its span. */
void scope_generator_begin(ActivationObject *self);

/* It ends, by `error` (None: as it should). */
void scope_generator_end(ActivationObject *self, PyObject *error);

int scope_add_yield_points(PyObject *module);

#endif
