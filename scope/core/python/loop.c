/* Steps: what an event loop runs, for how long, and how long it was ready before.
 *
 * The methods of a loop that take a callback are replaced by ones that wrap the callback; the wrapper remembers since when
 * it could run. Its call is a step. A step in the context of a request is written when it ends, or when the request does,
 * whichever is first; what comes later in the step is not the request's.
 *
 * Ready since: for call_soon, the call; for a timer, its due time. A callback that is no task's only passes on, as the timer
 * does that ends a sleep: what it schedules has been ready since it was. So a task that sleeps while another holds the loop
 * waits from the moment at which it should have gone on.
 *
 * The same wrapper goes around what is given to a thread pool: ready since it was submitted.
 *
 * A step in no request's context, or in that of one that has ended, is written with the name of what ran where it was long:
 * outside.h. So is a long callback that only passes on; within a request it is a step of that.
 *
 * The known hole: when a socket became readable is not known. What follows from its being read counts as ready since then.
 */
#include "loop.h"

#include "async_tasks.h"
#include "context.h"
#include "emit.h"
#include "outside.h"
#include "suspension.h"

#define MOST_ARGUMENTS 16

enum call_mode { CALL_SOON, CALL_AT, CALL_LATER };

static PyTypeObject *CallbackType, *MethodType;

/* A callback that was wrapped, or a loop's method that wraps those that it is given. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *inner;
    uint64_t ready_ns; /* of a callback */
    bool in_thread; /* of a callback */
    uint8_t mode; /* of a method */
} HeldObject;

typedef struct running {
    struct running *outer;
    PyObject *task; /* borrowed; NULL: the step is no task's */
    uint32_t task_number; /* within the request; 0: the request's own, or none */
    RequestObject *request; /* strong; NULL: none, or ended */
    uint64_t ready_ns, begin_ns;
    bool passes_on, in_thread;
} running;

static _Thread_local running *now_running;

/* ---- steps ---- */

static void emit_step(RequestObject *request, const running *step, uint64_t now_ns, uint32_t span, uint32_t number)
{
    struct {
        uint64_t waited_ns, ran_ns;
        uint32_t flags, task;
    } payload = {
        .waited_ns = step->begin_ns - step->ready_ns,
        .ran_ns = now_ns - step->begin_ns,
        .flags = step->in_thread ? SCOPE_STEP_IN_THREAD : 0,
        .task = step->task_number,
    };
    uint32_t site = number && runtime.session ? scope_session_site(runtime.session, number) : 0;
    scope_emit_payload_at(request, now_ns, SCOPE_LOOP_STEP, site, span, 0, &payload, sizeof payload);
}

void scope_loop_enter(RequestObject *request, bool takes_step)
{
    scope_async_tasks_begin(request, now_running ? now_running->task : NULL);
    if (takes_step && now_running && !now_running->request)
        now_running->request = (RequestObject *)Py_NewRef((PyObject *)request);
}

void scope_loop_leave(RequestObject *request, uint64_t now_ns)
{
    if (!now_running || now_running->request != request)
        return;
    emit_step(request, now_running, now_ns, 1, 0);
    Py_CLEAR(now_running->request);
    now_running->ready_ns = now_running->begin_ns = now_ns;
}

static void begin_step(running *step, const HeldObject *callback, PyObject *task)
{
    bool passes_on = !task && !callback->in_thread;
    ContextObject *context = scope_context();
    uint64_t now_ns = scope_event_now();
    *step = (running){
        .outer = now_running,
        /* a timer that is a little early by the loop's own clock has not waited */
        .ready_ns = callback->ready_ns < now_ns ? callback->ready_ns : now_ns,
        .begin_ns = now_ns,
        .task = task,
        .passes_on = passes_on,
        .in_thread = callback->in_thread,
    };
    if (context && context->request && !passes_on) {
        step->request = (RequestObject *)Py_NewRef((PyObject *)context->request);
        if (task)
            step->task_number = scope_async_task_steps(step->request, task, context->span, step->ready_ns, now_ns);
    }
    Py_XDECREF(context);
    now_running = step;
}

/* A step that is no request's, or was not taken for one's as it began. */
static void end_long_step(const running *step, uint64_t now_ns, PyObject *callback, PyObject *task)
{
    ContextObject *context = scope_context();
    RequestObject *request = context ? context->request : NULL;
    if (request && !request->ended) {
        emit_step(request, step, now_ns, context->span, 0);
    } else {
        scope_outside_step outside = {step->ready_ns, step->begin_ns, now_ns, request != NULL};
        scope_emit_outside_step(&outside, callback, task);
    }
    Py_XDECREF(context);
}

static void end_requests_step(const running *step, uint64_t now_ns, PyObject *task)
{
    ContextObject *context = scope_context();
    uint32_t span = context && context->request == step->request ? context->span : 1;
    emit_step(step->request, step, now_ns, span, task ? scope_suspended_in(task) : 0);
    Py_XDECREF(context);
}

static void end_step(running *step, PyObject *callback, PyObject *task)
{
    now_running = step->outer;
    bool is_requests = step->request && !step->request->ended;
    uint64_t now_ns = is_requests || !step->in_thread ? scope_event_now() : 0;
    bool is_long = now_ns && now_ns - step->begin_ns >= scope_least_outside_ns;
    if (is_requests || is_long || step->task_number) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        if (is_requests)
            end_requests_step(step, now_ns, task);
        else if (is_long)
            end_long_step(step, now_ns, callback, task);
        if (step->task_number && step->request)
            scope_async_task_rests(step->request, task, step->task_number, now_ns);
        PyErr_Restore(type, value, traceback);
    }
    Py_XDECREF(step->request);
}

static PyObject *callback_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    HeldObject *self = (HeldObject *)callable;
    PyObject *task = self->in_thread ? NULL : scope_task_of(self->inner);
    PyErr_Clear();
    running step;
    Py_XINCREF(task);
    begin_step(&step, self, task);
    PyObject *result = PyObject_Vectorcall(self->inner, args, flags, names);
    end_step(&step, self->inner, task);
    Py_XDECREF(task);
    return result;
}

/* ---- what is called ---- */

static int held_traverse(HeldObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->inner);
    return 0;
}

static int held_clear(HeldObject *self)
{
    Py_CLEAR(self->inner);
    return 0;
}

static void held_dealloc(HeldObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->inner);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

/* What it lacks is that of what it wraps: a loop's debug mode asks a callback for its task, its name and its source. */
static PyObject *held_getattr(PyObject *self, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(self, name);
    PyObject *inner = ((HeldObject *)self)->inner;
    if (value || !inner || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return PyObject_GetAttr(inner, name);
}

static PyObject *held_repr(HeldObject *self)
{
    return PyObject_Repr(self->inner);
}

static HeldObject *hold(PyTypeObject *type, vectorcallfunc call, PyObject *inner)
{
    HeldObject *self = PyObject_GC_New(HeldObject, type);
    if (!self)
        return NULL;
    self->vectorcall = call;
    self->inner = Py_NewRef(inner);
    PyObject_GC_Track(self);
    return self;
}

static PyObject *new_callback(PyObject *inner, uint64_t ready_ns, bool in_thread)
{
    HeldObject *self = hold(CallbackType, callback_call, inner);
    if (!self)
        return NULL;
    self->ready_ns = ready_ns;
    self->in_thread = in_thread;
    return (PyObject *)self;
}

/* ---- a loop's methods ---- */

/* When a callback given now, with `delay` or time `when` in seconds, can run. */
static uint64_t ready_at(uint8_t mode, PyObject *when)
{
    uint64_t now_ns = scope_event_now();
    if (mode == CALL_SOON)
        return now_running && now_running->passes_on ? now_running->ready_ns : now_ns;
    double seconds = PyFloat_AsDouble(when);
    if (PyErr_Occurred() || !(seconds >= 0 && seconds < 1e9)) {
        PyErr_Clear();
        return now_ns;
    }
    return (mode == CALL_LATER ? now_ns : 0) + (uint64_t)(seconds * 1e9);
}

static PyObject *method_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    HeldObject *self = (HeldObject *)callable;
    Py_ssize_t given = PyVectorcall_NARGS(flags), at = self->mode == CALL_SOON ? 1 : 2;
    Py_ssize_t all = given + (names ? PyTuple_GET_SIZE(names) : 0);
    PyObject *copy[MOST_ARGUMENTS];
    /* also before the session begins: the first request comes in a step that was scheduled before */
    bool plain = given <= at || all > MOST_ARGUMENTS || Py_IS_TYPE(args[at], CallbackType);
    PyObject *wrapped = plain ? NULL : new_callback(args[at], ready_at(self->mode, args[1]), false);
    if (!wrapped) {
        PyErr_Clear();
        return PyObject_Vectorcall(self->inner, args, flags & ~PY_VECTORCALL_ARGUMENTS_OFFSET, names);
    }
    memcpy(copy, args, (size_t)all * sizeof *copy);
    copy[at] = wrapped;
    PyObject *result = PyObject_Vectorcall(self->inner, copy, (size_t)given, names);
    Py_DECREF(wrapped);
    return result;
}

static PyObject *method_get(PyObject *self, PyObject *instance, PyObject *owner)
{
    (void)owner;
    return instance && instance != Py_None ? PyMethod_New(self, instance) : Py_NewRef(self);
}

/* loop_method(original, mode): what takes the place of a loop's method. */
static PyObject *loop_method(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *inner;
    const char *name;
    if (!PyArg_ParseTuple(args, "Os:loop_method", &inner, &name))
        return NULL;
    static const char *const names[] = {"call_soon", "call_at", "call_later"};
    uint8_t mode = 0;
    while (mode < 3 && strcmp(names[mode], name) != 0)
        mode++;
    if (mode == 3)
        return PyErr_Format(PyExc_ValueError, "a loop's method that takes callbacks is call_soon, call_at or call_later, not %s", name);
    HeldObject *self = hold(MethodType, method_call, inner);
    if (self)
        self->mode = mode;
    return (PyObject *)self;
}

/* queued(call): `call`, whose time until it is called counts as queueing for a thread, and whose run as being in one. */
static PyObject *queued(PyObject *module, PyObject *call)
{
    (void)module;
    return new_callback(call, scope_event_now(), true);
}

static PyMemberDef held_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(HeldObject, vectorcall), READONLY, NULL},
    {"__wrapped__", T_OBJECT, offsetof(HeldObject, inner), READONLY, "What is called."},
    {NULL, 0, 0, 0, NULL},
};

#define HELD_SLOTS                                                                                                  \
    {Py_tp_dealloc, held_dealloc}, {Py_tp_traverse, held_traverse}, {Py_tp_clear, held_clear},                      \
        {Py_tp_getattro, held_getattr}, {Py_tp_repr, held_repr}, {Py_tp_call, PyVectorcall_Call},                   \
        {Py_tp_members, held_members}

static PyType_Slot callback_slots[] = {
    {Py_tp_doc, "A callback that remembers since when it could run."}, HELD_SLOTS, {0, NULL}};
static PyType_Slot method_slots[] = {
    {Py_tp_doc, "A loop's method that takes a callback."}, {Py_tp_descr_get, method_get}, HELD_SLOTS, {0, NULL}};

#define HELD_FLAGS                                                                                                  \
    (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE              \
     | Py_TPFLAGS_DISALLOW_INSTANTIATION)

static PyType_Spec callback_spec = {
    .name = "scope._core.Callback", .basicsize = sizeof(HeldObject), .flags = HELD_FLAGS, .slots = callback_slots};
static PyType_Spec method_spec = {.name = "scope._core.LoopMethod",
                                  .basicsize = sizeof(HeldObject),
                                  .flags = HELD_FLAGS | Py_TPFLAGS_METHOD_DESCRIPTOR,
                                  .slots = method_slots};

static PyMethodDef loop_functions[] = {
    {"loop_method", loop_method, METH_VARARGS, "What takes the place of a loop's method that takes a callback."},
    {"queued", queued, METH_O, "A call whose wait for a thread, and whose run in it, are written down."},
    {NULL, NULL, 0, NULL},
};

int scope_add_loop(PyObject *module)
{
    if (scope_add_suspension() < 0 || scope_add_async_tasks() < 0)
        return -1;
    CallbackType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &callback_spec, NULL);
    MethodType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &method_spec, NULL);
    return CallbackType && MethodType ? PyModule_AddFunctions(module, loop_functions) : -1;
}
