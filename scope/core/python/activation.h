/* Activation: one call of a recorded function, from its first instruction to its last.
 *
 * Of transformed code it is held by the function's value stack (code_probe.c), of monitored code by the table of open calls
 * or by the frame (monitoring.c).
 */
#ifndef SCOPE_ACTIVATION_H
#define SCOPE_ACTIVATION_H

#include "function.h"
#include "line_times.h"

typedef struct {
    PyObject_HEAD
    PyObject *made_of; /* a tuple, for pickling */
    PyObject *name; /* dotted; borrowed from there */
    PyObject *arguments; /* a tuple of their names */
    scope_function function;
    bool is_generator;
} CodeProbeObject;

/* Of a call whose values are recorded: what is known of it until it ends. */
typedef struct {
    CodeProbeObject *probe; /* strong; NULL: no values are recorded */
    scope_line_times *lines; /* or NULL */
    uint8_t yielded, looks; /* recorded so far: yielded values, looks at local variables */
    bool has_result;
} captured_call;

typedef struct activation {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    scope_call call; /* not under way: nothing to end, or a generator's */
    PyObject *steps; /* of a generator: its Span */
    PyObject *outer; /* of a generator that runs: what its Span wants back when it is suspended */
    PyObject *code; /* of monitored code, borrowed: the frame has it */
    void *frame; /* of what is in the table of open calls: what it is found by */
    captured_call captured;
    struct activation *next; /* with the same hash, or in the list of those to be used again */
} ActivationObject;

/* The activation that does nothing; it also stands for `__enter__`, which is called for nothing. */
extern ActivationObject *scope_nothing;

/* A new one that is called at its end as `call` says; NULL where memory is short (no exception set). */
ActivationObject *scope_new_activation(vectorcallfunc call);

/* Gives `type` the methods of a context manager: `exit`, and an `__enter__` that does nothing. */
int scope_add_block(PyTypeObject *type, PyObject *exit);

/* A call of the function that `probe`, a CodeProbe, stands for begins in what is current; NULL where nothing is recorded of it.
 * Leaves no exception set. */
ActivationObject *scope_enter(PyObject *probe);

/* It is left, by `error` or by nothing (None). The second time does nothing. Keeps an exception that is set as it is. */
void scope_leave(ActivationObject *self, PyObject *error);

extern PyTypeObject *CodeProbeType;

/* ---- frames.c ---- */

static inline void *scope_current_frame(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_Get()->current_frame;
#else
    return PyThreadState_Get()->cframe->current_frame;
#endif
}

/* Enters the call of the frame that runs into the table of open calls, without a reference. */
void scope_remember(ActivationObject *self);

/* Takes it out of the table, where it is there. */
void scope_forget(ActivationObject *self);

/* The call that was begun last in `frame` and is in the table, borrowed; NULL where none is. */
ActivationObject *scope_open_call(const void *frame);

/* Whether a call of monitored `code` is in the table. */
bool scope_is_open(const PyObject *code);

/* The generator whose first step this is begins, in the frame that runs; `steps` is its span. */
void scope_generator_begin(ActivationObject *self);

/* It ends, by `error` (None: as it should). */
void scope_generator_end(ActivationObject *self, PyObject *error);

/* Its body goes on, and it is current; or it yields, and what was current before is so again. What is so already stays. */
void scope_generator_resume(ActivationObject *self);
void scope_generator_suspend(ActivationObject *self);

/* It is suspended for as long as it delegates to `inner`. */
void scope_generator_delegate(ActivationObject *self, PyObject *inner);

/* ---- capture_point.c ---- */

/* A call that is under way, at `self->call.level`, has these arguments, a tuple; its frame runs. */
void scope_capture_begin(ActivationObject *self, CodeProbeObject *probe, PyObject *arguments);

/* The function returns this value, or is about to: of several the last one counts. */
void scope_capture_result(ActivationObject *self, PyObject *value);

/* The function is left by `error`, or by nothing (None); its frame runs. To be called before scope_leave(). */
void scope_capture_end(ActivationObject *self, PyObject *error);

/* Nothing more is captured. */
void scope_capture_clear(ActivationObject *self);

/* The generator is suspended with this value, or goes on. */
void scope_capture_yielded(ActivationObject *self, PyObject *value);
void scope_capture_resumed(ActivationObject *self);

int scope_add_capture_points(PyObject *module);

/* ---- yield_point.c ---- */

int scope_add_yield_points(PyObject *module);

#endif
