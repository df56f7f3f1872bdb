/* What stands at the yields of an instrumented generator.
 *
 * A generator is its own current span while its body runs and nobody's while it is suspended. Around each of its yields stand
 * `RESUME @ (yield SUSPEND @ value)`, and `with CATCH:` where an exception that is thrown in at the yield may be handled. They
 * find the activation by the generator's frame (frames.c). `yield from DELEGATE @ inner` suspends the generator for as long as
 * it delegates, and makes it the parent of `inner` where that is a generator.
 */
#include "activation.h"

static PyTypeObject *YieldPointType;

enum role { SUSPEND, RESUME, DELEGATE, CATCH };

typedef struct {
    PyObject_HEAD
    enum role role;
} YieldPointObject;

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
    enum role role = ((YieldPointObject *)point)->role;
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

/* ---- the type ---- */

static PyObject *point_repr(YieldPointObject *self)
{
    static const char *const names[] = {"SUSPEND", "RESUME", "DELEGATE", "CATCH"};
    return PyUnicode_FromString(names[self->role]);
}

static PyObject *point_reduce(YieldPointObject *self, PyObject *unused)
{
    (void)unused;
    return point_repr(self);
}

static PyMethodDef point_methods[] = {
    {"__reduce__", (PyCFunction)point_reduce, METH_NOARGS, "Pickled by its name in this module."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot point_slots[] = {
    {Py_tp_doc, "Stands at a yield of an instrumented generator."},
    {Py_tp_repr, point_repr},
    {Py_nb_matrix_multiply, pass},
    {Py_tp_methods, point_methods},
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
