/* What stands at the yields of an instrumented generator.
 *
 * A generator is its own current span while its body runs and nobody's while it is suspended. Around each of its yields stand
 * `RESUME @ (yield SUSPEND @ value)`, and `with CATCH:` where an exception that is thrown in at the yield may be handled. They
 * find the activation by the generator's frame (frames.c). `yield from DELEGATE @ inner` suspends the generator for as long as
 * it delegates, and makes it the parent of `inner` where that is a generator.
 */
#include "activation.h"
#include "point.h"

static PyTypeObject *YieldPointType;

enum role { SUSPEND, RESUME, DELEGATE, CATCH };

/* ---- yields ---- */

static void stand_still(ActivationObject *self, PyObject *value)
{
    if (self->captured.probe)
        scope_capture_yielded(self, value);
    scope_generator_suspend(self);
}

static void go_on(ActivationObject *self)
{
    scope_generator_resume(self);
    if (self->captured.probe)
        scope_capture_resumed(self);
}

/* SUSPEND @ value, RESUME @ value and DELEGATE @ value are the value. */
static PyObject *pass(PyObject *point, PyObject *value)
{
    if (!Py_IS_TYPE(point, YieldPointType))
        Py_RETURN_NOTIMPLEMENTED;
    ActivationObject *self = scope_open_call(scope_current_frame());
    enum role role = (enum role)((PointObject *)point)->role;
    if (self && role == RESUME)
        go_on(self);
    else if (self && role == SUSPEND)
        stand_still(self, value);
    else if (self)
        scope_generator_delegate(self, value);
    return Py_NewRef(value);
}

/* An exception at a yield: what handles it in the generator's body is the generator's. */
static PyObject *catch_thrown(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    (void)callable;
    (void)names;
    ActivationObject *self = PyVectorcall_NARGS(flags) && args[0] != Py_None ? scope_open_call(scope_current_frame()) : NULL;
    if (self)
        go_on(self);
    Py_RETURN_NONE;
}

int scope_add_yield_points(PyObject *module)
{
    static const char *const names[] = {"SUSPEND", "RESUME", "DELEGATE", "CATCH", NULL};
    YieldPointType =
        scope_point_type(module, "scope._core.YieldPoint", "Stands at a yield of an instrumented generator.", pass);
    PyObject *catcher = (PyObject *)scope_new_activation(catch_thrown);
    int failed = YieldPointType && catcher ? scope_add_block(YieldPointType, catcher) : -1;
    Py_XDECREF(catcher);
    return failed < 0 ? -1 : scope_add_points(module, YieldPointType, names);
}
