/* CodeProbe: what a transformed function enters with a `with` statement: `with PROBE: body`.
 *
 * The probe is a constant of the function's code, so it needs no name in any scope. The interpreter looks up `__exit__` of a
 * context manager once, when the block begins, keeps what it got on the function's own value stack, and calls it when the
 * block is left, however that happens. So the look-up is the function's entry: its result, an Activation, holds what the exit
 * needs, lives as long as the frame does, and follows it through threads, tasks and greenlets. No frame, no local name and no
 * traceback entry comes of it.
 *
 * A generator is its own current span while its body runs and nobody's while it is suspended. Around each of its yields stand
 * `RESUME @ (yield SUSPEND @ value)`, and `with CATCH:` where an exception that is thrown in at the yield may be handled. They
 * find the activation by the generator's frame, whose address is the same for its whole life. `yield from DELEGATE @ inner`
 * suspends the generator for as long as it delegates, and makes it the parent of `inner` where that is a generator.
 *
 * Outside any request, and for calls that are held back (calls.h), the activation is one that does nothing.
 */
#include "calls.h"
#include "context.h"
#include "emit.h"
#include "request.h"
#include "span.h"

static PyTypeObject *CodeProbeType, *ActivationType, *EntryType, *YieldPointType;

typedef struct {
    PyObject_HEAD
    PyObject *arguments; /* what it was made of, for pickling */
    uint32_t site; /* process-wide number of the definition */
    uint32_t index; /* of the counters in calls.h */
    bool is_generator;
} CodeProbeObject;

typedef struct activation {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    RequestObject *request; /* NULL: nothing to end, or a generator's */
    uint32_t site; /* the segment's number of the definition */
    uint32_t span, parent;
    PyObject *steps; /* of a generator: its Span */
    PyObject *outer; /* of a generator that runs: what its Span wants back when it is suspended */
    void *frame; /* of a generator: what it is found by */
    struct activation *next; /* with the same hash, or in the list of those to be used again */
} ActivationObject;

/* What the types have for `__exit__`: its look-up on a probe is the entry. */
typedef struct {
    PyObject_HEAD
    bool is_catch;
} EntryObject;

enum role { SUSPEND, RESUME, DELEGATE, CATCH };

typedef struct {
    PyObject_HEAD
    enum role role;
} YieldPointObject;

static ActivationObject *nothing, *catcher; /* the activations without state */

/* ---- activations to be used again: one is made and gone per call ---- */

#define KEPT 64

static ActivationObject *kept;
static int kept_count;

static PyObject *leave(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names);

static ActivationObject *new_activation(vectorcallfunc call)
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
    self->request = NULL;
    self->steps = self->outer = self->frame = NULL;
    return self;
}

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

/* ---- entry ---- */

/* Begins the span of a generator, as the child of the one that delegates to it, where there is one. */
static void begin_generator(ActivationObject *self)
{
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

static PyObject *enter_generator(const CodeProbeObject *probe)
{
    ActivationObject *self = new_activation(leave);
    if (!self)
        return Py_NewRef((PyObject *)nothing);
    self->steps = scope_activation(probe->site);
    if (!self->steps) {
        PyErr_Clear();
        return (PyObject *)self;
    }
    remember(self);
    begin_generator(self);
    return (PyObject *)self;
}

/* Takes over the reference to `context`. */
static PyObject *enter_function(const CodeProbeObject *probe, ContextObject *context)
{
    ActivationObject *self = new_activation(leave);
    if (!self) {
        Py_DECREF(context);
        return Py_NewRef((PyObject *)nothing);
    }
    RequestObject *request = (RequestObject *)Py_NewRef((PyObject *)context->request);
    SessionObject *session = runtime.session;
    self->request = request;
    self->site = session && session->serial == request->serial ? scope_session_site(session, probe->site) : 0;
    self->span = scope_next_span(request);
    self->parent = context->span;
    scope_emit(request, SCOPE_FUNCTION_ENTER, self->site, self->span, self->parent);
    if (scope_context_become(context, request, self->span, false) < 0)
        PyErr_Clear();
    Py_DECREF(context);
    return (PyObject *)self;
}

static PyObject *enter(const CodeProbeObject *probe)
{
    ContextObject *context = scope_context();
    if (context && context->request && scope_calls_allow(context->request, probe->index)) {
        if (!probe->is_generator)
            return enter_function(probe, context);
        Py_DECREF(context);
        return enter_generator(probe);
    }
    Py_XDECREF(context);
    return Py_NewRef((PyObject *)nothing);
}

static PyObject *entry_get(PyObject *entry, PyObject *object, PyObject *type)
{
    (void)type;
    if (((EntryObject *)entry)->is_catch)
        return Py_NewRef((PyObject *)catcher);
    if (!object || !Py_IS_TYPE(object, CodeProbeType))
        return Py_NewRef(entry);
    return enter((CodeProbeObject *)object);
}

/* ---- exit ---- */

static void end_function(ActivationObject *self, PyObject *error)
{
    RequestObject *request = self->request;
    self->request = NULL;
    uint8_t outcome = scope_outcome_of(error);
    if (outcome == SCOPE_OUTCOME_EXCEPTION && scope_calls_allow_error(request))
        scope_record_error(request, self->span, error, true);
    scope_emit(request, SCOPE_FUNCTION_EXIT, self->site, self->span, outcome);
    scope_context_restore(request, self->span, self->parent);
    Py_DECREF(request);
}

static void end(ActivationObject *self, PyObject *error)
{
    if (self->request)
        end_function(self, error);
    if (!self->steps)
        return;
    PyObject *steps = self->steps;
    forget(self);
    step_out(self);
    self->steps = NULL;
    Py_XDECREF(scope_steps_finish(steps, error));
    PyErr_Clear();
    Py_DECREF(steps);
}

/* What the interpreter calls as the block's exit: (None, None, None), or what was raised. */
static PyObject *leave(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    (void)names;
    end((ActivationObject *)callable, PyVectorcall_NARGS(flags) > 1 ? args[1] : Py_None);
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

static void activation_dealloc(ActivationObject *self)
{
    if (self->request || self->steps) {
        /* its frame went without leaving the block: closed for good */
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        end(self, PyExc_GeneratorExit);
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

/* ---- types ---- */

static PyObject *probe_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"", "", "", NULL}; /* positional only */
    PyObject *name;
    unsigned int site;
    int is_generator;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UIp:CodeProbe", keywords, &name, &site, &is_generator))
        return NULL;
    int64_t index = scope_calls_register(name);
    CodeProbeObject *self = index < 0 ? NULL : (CodeProbeObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->arguments = Py_NewRef(args);
    self->site = site;
    self->index = (uint32_t)index;
    self->is_generator = is_generator;
    return (PyObject *)self;
}

static PyObject *probe_repr(CodeProbeObject *self)
{
    return PyUnicode_FromFormat("<probe of %U>", PyTuple_GET_ITEM(self->arguments, 0));
}

static PyObject *probe_reduce(CodeProbeObject *self, PyObject *unused)
{
    (void)unused;
    return PyTuple_Pack(2, (PyObject *)Py_TYPE(self), self->arguments);
}

static void probe_dealloc(CodeProbeObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
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
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = activation_slots,
};

static PyType_Slot entry_slots[] = {
    {Py_tp_doc, "Where a block that is recorded begins."},
    {Py_tp_descr_get, entry_get},
    {0, NULL},
};

static PyType_Spec entry_spec = {
    .name = "scope._core.Entry",
    .basicsize = sizeof(EntryObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = entry_slots,
};

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

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
}

/* Gives `type` the two methods of a context manager. */
static int add_block(PyTypeObject *type, bool is_catch)
{
    EntryObject *entry = PyObject_New(EntryObject, EntryType);
    if (!entry)
        return -1;
    entry->is_catch = is_catch;
    int failed = PyObject_SetAttrString((PyObject *)type, "__exit__", (PyObject *)entry);
    Py_DECREF(entry);
    return failed < 0 ? -1 : PyObject_SetAttrString((PyObject *)type, "__enter__", (PyObject *)nothing);
}

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

int scope_add_code_probe(PyObject *module)
{
    CodeProbeType = add_type(module, &probe_spec);
    ActivationType = add_type(module, &activation_spec);
    EntryType = add_type(module, &entry_spec);
    YieldPointType = add_type(module, &point_spec);
    if (!CodeProbeType || !ActivationType || !EntryType || !YieldPointType)
        return -1;
    nothing = new_activation(do_nothing);
    catcher = new_activation(catch_thrown);
    if (!nothing || !catcher || add_block(CodeProbeType, false) < 0 || add_block(YieldPointType, true) < 0)
        return -1;
    for (enum role role = SUSPEND; role <= CATCH; role++)
        if (add_point(module, role) < 0)
            return -1;
    return PyModule_AddType(module, CodeProbeType) < 0 ? -1 : PyModule_AddType(module, YieldPointType);
}
