/* Open calls, by their frames, and the spans of generators: current while the body runs, nobody's while it is suspended.
 *
 * A generator's frame has the same address for its whole life, that of a plain function until it returns. A generator that
 * delegates to another one, as the transformed code tells, makes it its child.
 */
#include "activation.h"
#include "span.h"

/* ---- the table ---- */

#define BUCKETS 1024

static ActivationObject *by_frame[BUCKETS];
static size_t open_calls; /* activations in the table */

/* Who delegated last, and the frame of the generator that it delegates to, which begins next unless it has begun before. */
static struct {
    ActivationObject *from;
    const void *to;
} delegation;

static ActivationObject **bucket_of(const void *frame)
{
    return &by_frame[((uintptr_t)frame >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 54];
}

void scope_remember(ActivationObject *self)
{
    ActivationObject **bucket = bucket_of(self->frame = scope_current_frame());
    self->next = *bucket;
    *bucket = self;
    open_calls++;
}

void scope_forget(ActivationObject *self)
{
    if (!self->frame)
        return;
    ActivationObject **at = bucket_of(self->frame);
    while (*at && *at != self)
        at = &(*at)->next;
    if (*at) {
        *at = self->next;
        open_calls--;
    }
    self->frame = NULL;
    if (delegation.from == self)
        delegation.from = NULL;
}

ActivationObject *scope_open_call(const void *frame)
{
    if (!open_calls)
        return NULL;
    ActivationObject *found = *bucket_of(frame);
    while (found && found->frame != frame)
        found = found->next;
    return found;
}

bool scope_is_open(const PyObject *code)
{
    for (size_t bucket = 0; open_calls && bucket < BUCKETS; bucket++)
        for (const ActivationObject *call = by_frame[bucket]; call; call = call->next)
            if (call->code == code)
                return true;
    return false;
}

/* ---- steps of generators ---- */

/* What happens to a span never fails the function. */
void scope_generator_resume(ActivationObject *self)
{
    if (self->outer)
        return;
    self->outer = scope_steps_resume(self->steps, NULL);
    PyErr_Clear();
}

void scope_generator_suspend(ActivationObject *self)
{
    PyObject *outer = self->outer;
    if (!outer)
        return;
    self->outer = NULL;
    Py_XDECREF(scope_steps_suspend(self->steps, outer));
    PyErr_Clear();
    Py_DECREF(outer);
}

void scope_generator_delegate(ActivationObject *self, PyObject *inner)
{
    scope_generator_suspend(self);
#if PY_VERSION_HEX < 0x030E0000 /* later ones do not tell where a generator's frame is */
    if (PyGen_CheckExact(inner)) {
        delegation.from = self;
        delegation.to = &((PyGenObject *)inner)->gi_iframe;
    }
#else
    (void)inner;
#endif
}

/* ---- from the first step to the last ---- */

/* As the child of the one that delegates to it, where there is one. */
void scope_generator_begin(ActivationObject *self)
{
    scope_remember(self);
    ActivationObject *from = delegation.from;
    if (from && delegation.to == self->frame) {
        scope_generator_resume(from);
        scope_generator_resume(self);
        scope_generator_suspend(self);
        scope_generator_suspend(from);
    }
    delegation.from = NULL;
    scope_generator_resume(self);
}

void scope_generator_end(ActivationObject *self, PyObject *error)
{
    PyObject *steps = self->steps;
    scope_forget(self);
    scope_generator_suspend(self);
    self->steps = NULL;
    Py_XDECREF(scope_steps_finish(steps, error));
    PyErr_Clear();
    Py_DECREF(steps);
}
