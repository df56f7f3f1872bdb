/* What stands at the yields of an instrumented generator.
 *
 * A generator is its own current span while its body runs and nobody's while it is suspended. Around each of its yields stand
 * `RESUME @ (yield SUSPEND @ value)`, and `with CATCH:` where an exception that is thrown in at the yield may be handled. They
 * find the activation by the generator's frame, whose address is the same for its whole life. `yield from DELEGATE @ inner`
 * suspends the generator for as long as it delegates, and makes it the parent of `inner` where that is a generator.
 */
#include "activation.h"
#include "span.h"

static PyTypeObject *YieldPointType;

enum role { SUSPEND, RESUME, DELEGATE, CATCH };

typedef struct {
    PyObject_HEAD
    enum role role;
} YieldPointObject;

/* ---- generators, by their frames ---- */

#define BUCKETS 1024

static ActivationObject *by_frame[BUCKETS];
static size_t suspendable; /* activations in the table */

/* Who delegated last, and the frame of the generator that it delegates to, which begins next unless it has begun before. */
static struct {
    ActivationObject *from;
    const void *to;
} delegation;

static void *current_frame(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_Get()->current_frame;
#else
    return PyThreadState_Get()->cframe->current_frame;
#endif
}

static ActivationObject **bucket_of(const void *frame)
{
    return &by_frame[((uintptr_t)frame >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 54];
}

static void remember(ActivationObject *self)
{
    ActivationObject **bucket = bucket_of(self->frame = current_frame());
    self->next = *bucket;
    *bucket = self;
    suspendable++;
}

static void forget(ActivationObject *self)
{
    if (!self->frame)
        return;
    ActivationObject **at = bucket_of(self->frame);
    while (*at && *at != self)
        at = &(*at)->next;
    if (*at) {
        *at = self->next;
        suspendable--;
    }
    self->frame = NULL;
    if (delegation.from == self)
        delegation.from = NULL;
}

/* The activation of the generator that runs; NULL where it is not recorded. */
static ActivationObject *running_generator(void)
{
    if (!suspendable)
        return NULL;
    void *frame = current_frame();
    ActivationObject *found = *bucket_of(frame);
    while (found && found->frame != frame)
        found = found->next;
    return found;
}

/* What happens to a span never fails the function. */
static void step_in(ActivationObject *self)
{
    if (self->outer)
        return;
    self->outer = scope_steps_resume(self->steps, NULL);
    PyErr_Clear();
}

static void step_out(ActivationObject *self)
{
    PyObject *outer = self->outer;
    if (!outer)
        return;
    self->outer = NULL;
    Py_XDECREF(scope_steps_suspend(self->steps, outer));
    PyErr_Clear();
    Py_DECREF(outer);
}

static void delegate(ActivationObject *self, PyObject *inner)
{
    step_out(self);
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

/* Begins the span of a generator, as the child of the one that delegates to it, where there is one. */
void scope_generator_begin(ActivationObject *self)
{
    remember(self);
    ActivationObject *from = delegation.from;
    if (from && delegation.to == self->frame) {
        step_in(from);
        step_in(self);
        step_out(self);
        step_out(from);
    }
    delegation.from = NULL;
    step_in(self);
}

void scope_generator_end(ActivationObject *self, PyObject *error)
{
    PyObject *steps = self->steps;
    forget(self);
    step_out(self);
    self->steps = NULL;
    Py_XDECREF(scope_steps_finish(steps, error));
    PyErr_Clear();
    Py_DECREF(steps);
}

/* ---- yields ---- */

/* SUSPEND @ value, RESUME @ value and DELEGATE @ value are the value. */
static PyObject *pass(PyObject *point, PyObject *value)
{
    if (!Py_IS_TYPE(point, YieldPointType))
        Py_RETURN_NOTIMPLEMENTED;
    ActivationObject *self = running_generator();
    enum role role = ((YieldPointObject *)point)->role;
    if (self && role == RESUME)
        step_in(self);
    else if (self && role == SUSPEND)
        step_out(self);
    else if (self)
        delegate(self, value);
    return Py_NewRef(value);
}

/* An exception at a yield: what handles it in the generator's body is the generator's. */
static PyObject *catch_thrown(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    (void)callable;
    (void)names;
    ActivationObject *self = PyVectorcall_NARGS(flags) && args[0] != Py_None ? running_generator() : NULL;
    if (self)
        step_in(self);
    Py_RETURN_NONE;
}

/* ---- the type ---- */

static PyObject *point_repr(YieldPointObject *self)
{
    static const char *const names[] = {"SUSPEND", "RESUME", "DELEGATE", "CATCH"};
    return PyUnicode_FromString(names[self->role]);
}

static PyType_Slot point_slots[] = {
    {Py_tp_doc, "Stands at a yield of an instrumented generator."},
    {Py_tp_repr, point_repr},
    {Py_nb_matrix_multiply, pass},
    {0, NULL},
};

static PyType_Spec point_spec = {
    .name = "scope._core.YieldPoint",
    .basicsize = sizeof(YieldPointObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = point_slots,
};

static int add_point(PyObject *module, enum role role)
{
    YieldPointObject *point = PyObject_New(YieldPointObject, YieldPointType);
    if (!point)
        return -1;
    point->role = role;
    PyObject *name = point_repr(point);
    int failed = name ? PyObject_SetAttr(module, name, (PyObject *)point) : -1;
    Py_XDECREF(name);
    Py_DECREF(point);
    return failed;
}

int scope_add_yield_points(PyObject *module)
{
    YieldPointType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &point_spec, NULL);
    PyObject *catcher = (PyObject *)scope_new_activation(catch_thrown);
    int failed = YieldPointType && catcher ? scope_add_block(YieldPointType, catcher) : -1;
    Py_XDECREF(catcher);
    for (enum role role = SUSPEND; failed == 0 && role <= CATCH; role++)
        failed = add_point(module, role);
    return failed < 0 ? -1 : PyModule_AddType(module, YieldPointType);
}
