/* The Session type: the process's segment while it is written to. */
#include "runtime.h"

#include <pthread.h>
#include <unistd.h>

#include "shedding.h"
#include "thread_lane.h"
#include "values.h"
#include "wait.h"

PyTypeObject *SessionType;

/* In a forked child the parent's segment is not ours: drop it before anything can write. */
static void drop_inherited(void)
{
    scope_lanes_forked();
    runtime.random_seeded = false;
    runtime.start_failed = runtime.starting = false;
    SessionObject *session = runtime.session;
    if (!session)
        return;
    session->serial = 0;
    session->sleepers = 0; /* threads of the parent */
    scope_segment_close(&session->segment);
    runtime.session = NULL; /* its reference is given up: the heap is not to be touched here */
}

void scope_count_forked(void)
{
    if (runtime.session && runtime.session->serial)
        scope_add_relaxed(&runtime.session->segment.control->lost[SCOPE_LOST_FORKED], 1);
    else
        runtime.lost_forked++;
}

uint64_t scope_runtime_random(void)
{
    if (__builtin_expect(!runtime.random_seeded, 0)) {
        if (scope_random_seed(&runtime.random) < 0)
            runtime.random = (scope_random){scope_clock_now(), (uint64_t)getpid()};
        runtime.random_seeded = true;
    }
    return scope_random_next(&runtime.random);
}

/* Calls a hook where whoever called us may have an exception set, and keeps that. What the hook gives; NULL where it fails,
 * which is told as what nobody can catch. */
static PyObject *call_hook(PyObject *hook)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *given = PyObject_CallNoArgs(hook);
    if (!given)
        PyErr_WriteUnraisable(hook);
    PyErr_Restore(type, value, traceback);
    return given;
}

/* Says once that this session's memory is short. At the beginning of a request and not where it is found, which may be within
 * a lock of the very logging that is to say it. */
static void complain_once(SessionObject *session)
{
    if (!runtime.complain || runtime.complained_of == session->serial)
        return;
    runtime.complained_of = session->serial;
    Py_XDECREF(call_hook(runtime.complain));
}

/* Calls the starter once; a failure is told once and capture stays off. */
SessionObject *scope_ensure_session(void)
{
    if (__builtin_expect(runtime.session != NULL && !runtime.paused, 1)) {
        if (__builtin_expect(atomic_load_explicit(&runtime.session->segment.short_of_memory, memory_order_relaxed), 0))
            complain_once(runtime.session);
        return runtime.session;
    }
    if (runtime.paused || !runtime.starter || runtime.start_failed || runtime.starting)
        return NULL;
    runtime.starting = true;
    PyObject *session = call_hook(runtime.starter);
    runtime.starting = false;
    if (session && Py_IS_TYPE(session, SessionType) && ((SessionObject *)session)->serial)
        Py_XSETREF(runtime.session, (SessionObject *)Py_NewRef(session));
    Py_XDECREF(session);
    runtime.start_failed = runtime.session == NULL;
    return runtime.session;
}

void scope_steered(uint64_t control)
{
    bool is_other = (control ^ runtime.heard) & SCOPE_CONTROL_GENERATION_MASK;
    bool has_news = runtime.has_news;
    runtime.heard = control;
    runtime.has_news = false;
    if (!(scope_shed(control) || is_other || has_news) || !runtime.steered)
        return;
    PyObject *done = PyObject_CallNoArgs(runtime.steered);
    if (!done)
        PyErr_WriteUnraisable(runtime.steered);
    Py_XDECREF(done);
}

/* ---- the type ---- */

static void define_resource(SessionObject *self, PyObject *resource)
{
    uint8_t buffer[4096];
    scope_buffer payload = scope_buffer_over(buffer, sizeof buffer);
    payload.max_value_bytes = 512;
    payload.max_attributes = 64;
    scope_put_attributes(&payload, resource && PyDict_Check(resource) ? resource : NULL);
    scope_define(&self->segment, SCOPE_DEFINE_RESOURCE, buffer, (uint32_t)scope_buffer_size(&payload));
}

static int session_open(SessionObject *self, const scope_segment_sizes *sizes, PyObject *resource)
{
    const char *fault = scope_segment_check_sizes(sizes);
    if (fault) {
        PyErr_Format(PyExc_ValueError, "cannot make segment %R: %s", self->path, fault);
        return -1;
    }
    PyObject *encoded;
    if (!PyUnicode_FSConverter(self->path, &encoded))
        return -1;
    int made = scope_segment_create(&self->segment, PyBytes_AS_STRING(encoded), sizes);
    Py_DECREF(encoded);
    if (made < 0) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, self->path);
        return -1;
    }
    self->serial = ++runtime.serial;
    self->segment.sleeper = scope_sleep_without_gil;
    self->segment.sleeper_self = self;
    define_resource(self, resource);
    scope_add_relaxed(&self->segment.control->lost[SCOPE_LOST_FORKED], runtime.lost_forked);
    runtime.lost_forked = 0;
    scope_lanes_open(self);
    return 0;
}

/* set_overflow(policy, block_ms, block_event_loops): what a full lane does from its next block on, unless the collector
 * wishes something else. */
static PyObject *session_set_overflow(SessionObject *self, PyObject *args)
{
    unsigned int policy, block_ms;
    int block_event_loops;
    if (!PyArg_ParseTuple(args, "IIp:set_overflow", &policy, &block_ms, &block_event_loops))
        return NULL;
    if (policy >= SCOPE_POLICIES)
        return PyErr_Format(PyExc_ValueError, "no overflow policy has number %u", policy);
    self->segment.header.policy = policy; /* the private copy: the file says how it began */
    self->segment.block_ns = block_ms * UINT64_C(1000000);
    self->block_event_loops = block_event_loops;
    Py_RETURN_NONE;
}

static PyObject *session_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", "lanes", "first_lane_bytes", "lane_bytes", "block_bytes", "definitions_bytes",
                            "policy", "block_ms", "block_event_loops", "max_value_bytes", "max_attributes", "resource", NULL};
    PyObject *path, *resource = NULL;
    unsigned int lanes = 64, block = 16384, policy = 0, block_ms = 1000, value_bytes = 256, attributes = 64;
    unsigned long long first = 1 << 20, other = 1 << 18, definitions = 1 << 18;
    int block_event_loops = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|$IKKIKIIpIIO", names, &path, &lanes, &first, &other, &block,
                                     &definitions, &policy, &block_ms, &block_event_loops, &value_bytes, &attributes,
                                     &resource))
        return NULL;
    SessionObject *self = (SessionObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->segment.fd = -1;
    self->path = Py_NewRef(path);
    self->max_value_bytes = value_bytes < 8192 ? value_bytes : 8192;
    self->max_attributes = attributes;
    scope_segment_sizes sizes = {lanes, block, first, other, definitions, (enum scope_policy)policy};
    self->block_event_loops = block_event_loops;
    if (session_open(self, &sizes, resource) == 0) {
        self->segment.block_ns = block_ms * UINT64_C(1000000);
        return (PyObject *)self;
    }
    Py_DECREF(self);
    return NULL;
}

static PyObject *session_close(SessionObject *self, PyObject *unused)
{
    (void)unused;
    if (self->serial && !self->closing)
        scope_wake_sleepers(self);
    if (self->serial == 0 || self->sleepers) /* closed, or being closed by another thread */
        Py_RETURN_NONE;
    scope_lanes_close(self);
    if (runtime.session == self)
        Py_CLEAR(runtime.session);
    Py_RETURN_NONE;
}

static void session_dealloc(SessionObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(session_close(self, NULL));
    Py_CLEAR(self->path);
    PyMem_RawFree(self->site_numbers);
    type->tp_free(self);
    Py_DECREF(type);
}

static int add_number(PyObject *to, const char *name, uint64_t number)
{
    PyObject *value = PyLong_FromUnsignedLongLong(number);
    int failed = !value || PyDict_SetItemString(to, name, value) < 0;
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

static int is_closed(const SessionObject *self)
{
    if (self->serial)
        return 0;
    PyErr_Format(PyExc_ValueError, "session %R is closed", self->path);
    return 1;
}

static PyObject *session_statistics(SessionObject *self, PyObject *unused)
{
    (void)unused;
    if (is_closed(self))
        return NULL;
    uint64_t lost = 0, bytes = 0, owned = 0;
    for (uint32_t index = 0; index < self->segment.header.lanes; index++) {
        scope_lane_control *control = &self->segment.lanes[index];
        bytes += scope_load_relaxed(&control->tail);
        owned += scope_lane_state(scope_load_relaxed(&control->ownership)) == SCOPE_LANE_OWNED;
        for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++)
            lost += scope_load_relaxed(&control->lost[reason]);
    }
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++)
        lost += scope_load_relaxed(&self->segment.control->lost[reason]);
    PyObject *result = PyDict_New();
    if (!result || add_number(result, "requests", self->requests) < 0 || add_number(result, "bytes", bytes) < 0
        || add_number(result, "lanes", owned) < 0 || add_number(result, "waiting", self->sleepers) < 0
        || add_number(result, "lost", lost + runtime.lost_forked) < 0
        || add_number(result, "definitions", runtime.definition_count) < 0)
        Py_CLEAR(result);
    return result;
}

static PyObject *session_uuid(SessionObject *self, void *unused)
{
    (void)unused;
    char text[32];
    static const char digits[] = "0123456789abcdef";
    for (int index = 0; index < 16; index++) {
        text[2 * index] = digits[self->segment.header.uuid[index] >> 4];
        text[2 * index + 1] = digits[self->segment.header.uuid[index] & 15];
    }
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

static PyObject *session_control(SessionObject *self, void *unused)
{
    (void)unused;
    if (is_closed(self))
        return NULL;
    return PyLong_FromUnsignedLongLong(scope_load_relaxed(&self->segment.control->control));
}

static PyMethodDef session_methods[] = {
    {"statistics", (PyCFunction)session_statistics, METH_NOARGS, "Counters of this session."},
    {"set_overflow", (PyCFunction)session_set_overflow, METH_VARARGS, "What a full lane does from now on."},
    {"close", (PyCFunction)session_close, METH_NOARGS, "Unmap the segment; the file stays for the collector."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef session_members[] = {
    {"path", T_OBJECT, offsetof(SessionObject, path), READONLY, "The segment's file."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef session_getters[] = {
    {"uuid", (getter)session_uuid, NULL, "The segment's UUID, 32 hex digits.", NULL},
    {"control", (getter)session_control, NULL, "The collector's control word.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot session_slots[] = {
    {Py_tp_doc, "This process's segment, open for writing."},
    {Py_tp_new, session_new},
    {Py_tp_dealloc, session_dealloc},
    {Py_tp_methods, session_methods},
    {Py_tp_members, session_members},
    {Py_tp_getset, session_getters},
    {0, NULL},
};

static PyType_Spec session_spec = {
    .name = "scope._core.Session",
    .basicsize = sizeof(SessionObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = session_slots,
};

int scope_add_session(PyObject *module)
{
    if (scope_lanes_prepare() < 0 || pthread_atfork(NULL, NULL, drop_inherited) != 0) {
        PyErr_SetString(PyExc_ImportError, "scope._core: no thread-local key or no fork handler to be had");
        return -1;
    }
    SessionType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &session_spec, NULL);
    return SessionType ? PyModule_AddType(module, SessionType) : -1;
}
