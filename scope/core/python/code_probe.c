/* CodeProbe: what a transformed function enters with a `with` statement: `with PROBE: body`.
 *
 * The probe is a constant of the function's code, so it needs no name in any scope. The interpreter looks up `__exit__` of a
 * context manager once, when the block begins, keeps what it got on the function's own value stack, and calls it when the
 * block is left, however that happens. So the look-up is the function's entry: its result, an Activation, holds what the exit
 * needs, lives as long as the frame does, and follows it through threads, tasks and greenlets. No frame, no local name and no
 * traceback entry comes of it.
 *
 * What a generator needs besides is in yield_point.c. Where the interpreter itself tells of calls, the probe is what monitoring.c
 * keeps for a code object, and nothing is transformed.
 *
 * Outside any request, and for calls that are not to be recorded (function.h), the activation is one that does nothing.
 */
#include "activation.h"
#include "context.h"
#include "span.h"

PyTypeObject *CodeProbeType;
static PyTypeObject *ActivationType, *EntryType;

ActivationObject *scope_nothing;

/* ---- activations to be used again: one is made and gone per call ---- */

#define KEPT 64

static ActivationObject *kept;
static int kept_count;

static PyObject *leave(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names);

ActivationObject *scope_new_activation(vectorcallfunc call)
{
    ActivationObject *self = kept;
    if (self) {
        kept = self->next;
        kept_count--;
        _Py_NewReference((PyObject *)self);
    } else if (!(self = PyObject_New(ActivationObject, ActivationType))) {
        PyErr_Clear();
        return NULL;
    }
    self->vectorcall = call;
    self->call.request = NULL;
    self->steps = self->outer = self->code = self->frame = NULL;
    self->captured.probe = NULL;
    return self;
}

/* ---- entry ---- */

static ActivationObject *enter_generator(const CodeProbeObject *probe, enum scope_level level)
{
    ActivationObject *self = scope_new_activation(leave);
    if (!self)
        return NULL;
    self->steps = scope_activation(probe->function.site);
    if (!self->steps) {
        PyErr_Clear();
        Py_DECREF(self);
        return NULL;
    }
    self->call.level = (uint8_t)level;
    scope_generator_begin(self);
    return self;
}

/* Takes over the reference to `context`. */
static ActivationObject *enter_function(const CodeProbeObject *probe, enum scope_level level, ContextObject *context)
{
    ActivationObject *self = scope_new_activation(leave);
    if (!self) {
        Py_DECREF(context);
        return NULL;
    }
    scope_call_begin(&self->call, &probe->function, level, context);
    return self;
}

ActivationObject *scope_enter(PyObject *object)
{
    const CodeProbeObject *probe = (CodeProbeObject *)object;
    ContextObject *context = scope_context();
    enum scope_level level = context && context->request ? scope_call_level(context->request, &probe->function)
                                                         : SCOPE_LEVEL_OFF;
    if (level && !probe->is_generator)
        return enter_function(probe, level, context);
    Py_XDECREF(context);
    return level ? enter_generator(probe, level) : NULL;
}

/* What a probe has for `__exit__`: its look-up is the entry. */
static PyObject *entry_get(PyObject *entry, PyObject *object, PyObject *type)
{
    (void)type;
    if (object && Py_IS_TYPE(object, ActivationType))
        return Py_NewRef(object);
    if (!object || !Py_IS_TYPE(object, CodeProbeType))
        return Py_NewRef(entry);
    ActivationObject *self = scope_enter(object);
    return self ? (PyObject *)self : Py_NewRef((PyObject *)scope_nothing);
}

/* `PROBE @ (arguments)` is the entry where values may be recorded; the block's manager is then the activation. */
static PyObject *enter_with(PyObject *probe, PyObject *arguments)
{
    if (!Py_IS_TYPE(probe, CodeProbeType) || !PyTuple_CheckExact(arguments))
        Py_RETURN_NOTIMPLEMENTED;
    ActivationObject *self = scope_enter(probe);
    if (!self)
        return Py_NewRef((PyObject *)scope_nothing);
    if (self->call.level >= SCOPE_LEVEL_VALUES)
        scope_capture_begin(self, (CodeProbeObject *)probe, arguments);
    return (PyObject *)self;
}

/* ---- exit ---- */

void scope_leave(ActivationObject *self, PyObject *error)
{
    if (self->call.request)
        scope_call_end(&self->call, error);
    if (self->steps)
        scope_generator_end(self, error);
}

/* What the interpreter calls as the block's exit: (None, None, None), or what was raised. */
static PyObject *leave(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    (void)names;
    ActivationObject *self = (ActivationObject *)callable;
    PyObject *error = PyVectorcall_NARGS(flags) > 1 ? args[1] : Py_None;
    if (self->captured.probe)
        scope_capture_end(self, error);
    scope_leave(self, error);
    Py_RETURN_NONE;
}

static PyObject *do_nothing(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    (void)callable;
    (void)args;
    (void)flags;
    (void)names;
    Py_RETURN_NONE;
}

static void activation_dealloc(ActivationObject *self)
{
    if (self->call.request || self->steps) {
        /* its frame went without leaving the block: closed for good */
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        if (self->captured.probe)
            scope_capture_clear(self);
        scope_leave(self, PyExc_GeneratorExit);
        PyErr_Restore(type, value, traceback);
    }
    if (kept_count < KEPT) {
        self->next = kept;
        kept = self;
        kept_count++;
        return;
    }
    PyTypeObject *type = Py_TYPE(self);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- types ---- */

static bool are_names(PyObject *arguments)
{
    for (Py_ssize_t index = 0; arguments && index < PyTuple_GET_SIZE(arguments); index++)
        if (!PyUnicode_Check(PyTuple_GET_ITEM(arguments, index))) {
            PyErr_SetString(PyExc_TypeError, "CodeProbe() takes the names of the arguments as str");
            return false;
        }
    return true;
}

static PyObject *probe_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"", "", "", "", "", "", NULL}; /* positional only */
    PyObject *name, *cases = NULL, *arguments = NULL;
    unsigned int site, level;
    int is_generator;
    scope_function function;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UIpI|O!O!:CodeProbe", keywords, &name, &site, &is_generator, &level,
                                     &PyTuple_Type, &cases, &PyTuple_Type, &arguments)
        || !are_names(arguments) || scope_function_init(&function, name, site, level) < 0
        || (cases && scope_function_set_cases(&function, cases) < 0))
        return NULL;
    CodeProbeObject *self = (CodeProbeObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->made_of = Py_NewRef(args);
    self->name = name;
    self->arguments = arguments ? Py_NewRef(arguments) : PyTuple_New(0);
    self->function = function;
    self->is_generator = is_generator;
    return (PyObject *)self;
}

static PyObject *probe_repr(CodeProbeObject *self)
{
    return PyUnicode_FromFormat("<probe of %U>", self->name);
}

static PyObject *probe_reduce(CodeProbeObject *self, PyObject *unused)
{
    (void)unused;
    return PyTuple_Pack(2, (PyObject *)Py_TYPE(self), self->made_of);
}

static void probe_dealloc(CodeProbeObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->made_of);
    Py_XDECREF(self->arguments);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef probe_methods[] = {
    {"__reduce__", (PyCFunction)probe_reduce, METH_NOARGS, "Pickled as what it was made of."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot probe_slots[] = {
    {Py_tp_doc, "Records each call of the function whose code it is a constant of."},
    {Py_tp_new, probe_new},
    {Py_tp_dealloc, probe_dealloc},
    {Py_tp_repr, probe_repr},
    {Py_tp_methods, probe_methods},
    {Py_nb_matrix_multiply, enter_with},
    {0, NULL},
};

static PyType_Spec probe_spec = {
    .name = "scope._core.CodeProbe",
    .basicsize = sizeof(CodeProbeObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = probe_slots,
};

static PyMemberDef activation_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(ActivationObject, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot activation_slots[] = {
    {Py_tp_doc, "One call of an instrumented function; called at its end."},
    {Py_tp_dealloc, activation_dealloc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, activation_members},
    {0, NULL},
};

static PyType_Spec activation_spec = {
    .name = "scope._core.Activation",
    .basicsize = sizeof(ActivationObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = activation_slots,
};

static PyType_Slot entry_slots[] = {
    {Py_tp_doc, "Where a block that is recorded begins."},
    {Py_tp_descr_get, entry_get},
    {0, NULL},
};

static PyType_Spec entry_spec = {
    .name = "scope._core.Entry",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = entry_slots,
};

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
}

int scope_add_block(PyTypeObject *type, PyObject *exit)
{
    if (PyObject_SetAttrString((PyObject *)type, "__exit__", exit) < 0)
        return -1;
    return PyObject_SetAttrString((PyObject *)type, "__enter__", (PyObject *)scope_nothing);
}

int scope_add_code_probe(PyObject *module)
{
    CodeProbeType = add_type(module, &probe_spec);
    ActivationType = add_type(module, &activation_spec);
    EntryType = add_type(module, &entry_spec);
    if (!CodeProbeType || !ActivationType || !EntryType)
        return -1;
    scope_nothing = scope_new_activation(do_nothing);
    PyObject *entry = PyObject_New(PyObject, EntryType);
    int failed = scope_nothing && entry ? scope_add_block(CodeProbeType, entry) : -1;
    if (failed == 0)
        failed = scope_add_block(ActivationType, entry);
    Py_XDECREF(entry);
    if (failed < 0 || PyModule_AddType(module, CodeProbeType) < 0)
        return -1;
    return scope_add_yield_points(module) < 0 ? -1 : scope_add_capture_points(module);
}
