/* The Session type, the thread's lane in it, and the definitions of the process. */
#include "runtime.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "values.h"
#include "wait.h"

#define RETRY_EVERY 1024 /* events of a thread without a lane, uses of a name without room, until it is tried again */

PyTypeObject *SessionType;

/* The calling thread's lane. `serial` is that of the session it belongs to; a closed or inherited session has another. */
typedef struct {
    uint64_t serial;
    uint32_t refusals; /* > 0: the thread has no lane, because of `reason` */
    enum scope_loss reason;
    scope_ring ring;
} thread_lane;

static _Thread_local thread_lane lane;
static pthread_key_t lane_key;

/* Guards the mapping against a thread that ends while the session is closed; not held while anything is written. */
static pthread_mutex_t lanes_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t open_serial; /* under lanes_lock: the session whose mapping is there */

static void retire_lane(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lanes_lock);
    if (lane.serial && lane.serial == open_serial && !lane.refusals)
        scope_lane_retire(&lane.ring);
    lane.serial = 0;
    pthread_mutex_unlock(&lanes_lock);
}

/* In a forked child the parent's segment is not ours: drop it before anything can write. */
static void drop_inherited(void)
{
    pthread_mutex_init(&lanes_lock, NULL);
    open_serial = 0;
    lane.serial = 0;
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

/* What threading calls this thread; NULL where it does not know it. Runs no code but attribute look-ups. */
static PyObject *known_name(PyObject *threading)
{
    PyObject *threads = PyObject_GetAttrString(threading, "_active");
    PyObject *number = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
    PyObject *thread = threads && number && PyDict_Check(threads) ? PyDict_GetItemWithError(threads, number) : NULL;
    PyObject *name = thread ? PyObject_GetAttrString(thread, "_name") : NULL;
    Py_XDECREF(number);
    Py_XDECREF(threads);
    return name;
}

/* The calling thread's name, by threading, else by the system; not terminated. */
static size_t thread_name(char *name, size_t size)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *key = PyUnicode_FromString("threading");
    PyObject *threading = key ? PyImport_GetModule(key) : NULL;
    PyObject *known = threading ? known_name(threading) : NULL;
    Py_ssize_t length = 0;
    const char *text = known && PyUnicode_Check(known) ? PyUnicode_AsUTF8AndSize(known, &length) : NULL;
    if (text)
        memcpy(name, text, length < (Py_ssize_t)size ? (size_t)length : size);
    else if (pthread_getname_np(pthread_self(), name, size) == 0)
        length = (Py_ssize_t)strlen(name);
    Py_XDECREF(known);
    Py_XDECREF(threading);
    Py_XDECREF(key);
    PyErr_Restore(type, value, traceback);
    return length < (Py_ssize_t)size ? (size_t)length : size;
}

static scope_ring *claim_lane(SessionObject *session)
{
    char name[48];
    if (lane.serial == session->serial && lane.refusals && lane.refusals++ % RETRY_EVERY)
        goto refused;
    lane.serial = session->serial;
    lane.refusals = 0;
    size_t length = thread_name(name, sizeof name);
    int fault = scope_lane_claim(&session->segment, &lane.ring, (uint32_t)syscall(SYS_gettid), name, length);
    if (fault == 0) {
        pthread_setspecific(lane_key, &lane);
        return &lane.ring;
    }
    lane.refusals = 1;
    lane.reason = fault == -2 ? SCOPE_LOST_NO_SPACE : SCOPE_LOST_NO_LANE;
refused:
    scope_add_relaxed(&session->segment.control->lost[lane.reason], 1);
    return NULL;
}

scope_ring *scope_thread_ring(SessionObject *session)
{
    if (__builtin_expect(lane.serial == session->serial && !lane.refusals, 1))
        return &lane.ring;
    return claim_lane(session);
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

void scope_session_steered(SessionObject *session)
{
    uint32_t generation = (uint32_t)(scope_load_relaxed(&session->segment.control->control) & SCOPE_CONTROL_GENERATION_MASK);
    if (__builtin_expect(generation == runtime.generation, 1))
        return;
    runtime.generation = generation;
    PyObject *done = runtime.steered ? PyObject_CallNoArgs(runtime.steered) : Py_NewRef(Py_None);
    if (!done)
        PyErr_WriteUnraisable(runtime.steered);
    Py_XDECREF(done);
}

/* ---- definitions ---- */

uint32_t scope_runtime_define(uint8_t kind, const uint8_t *payload, uint32_t length)
{
    if (runtime.definition_count == SCOPE_DEFINITIONS_MAX)
        return 0;
    if (runtime.definition_count == runtime.definition_capacity) {
        uint32_t capacity = runtime.definition_capacity ? runtime.definition_capacity * 2 : 256;
        void *grown = PyMem_RawRealloc(runtime.definitions, capacity * sizeof *runtime.definitions);
        if (!grown)
            return 0;
        runtime.definitions = grown;
        runtime.definition_capacity = capacity;
    }
    uint8_t *copy = PyMem_RawMalloc(length ? length : 1);
    if (!copy)
        return 0;
    memcpy(copy, payload, length);
    runtime.definitions[runtime.definition_count] = (scope_definition_entry){copy, length, kind, 0, 0};
    return ++runtime.definition_count;
}

static uint32_t number_of(PyObject *table, uint8_t kind, PyObject *text)
{
    if (!PyUnicode_CheckExact(text))
        return 0;
    PyObject *known = PyDict_GetItemWithError(table, text);
    if (known)
        return (uint32_t)PyLong_AsUnsignedLong(known);
    uint8_t buffer[1024];
    scope_buffer payload = scope_buffer_over(buffer, sizeof buffer);
    scope_put_text(&payload, text, 512);
    uint32_t number = payload.overflow ? 0 : scope_runtime_define(kind, buffer, (uint32_t)scope_buffer_size(&payload));
    PyObject *value = PyLong_FromUnsignedLong(number);
    /* a name that could not be defined is not remembered: user data used as names must not grow the table */
    if (value && number && PyDict_SetItem(table, text, value) < 0)
        PyErr_Clear();
    Py_XDECREF(value);
    PyErr_Clear();
    return number;
}

uint32_t scope_runtime_name(PyObject *name)
{
    return number_of(runtime.names, SCOPE_DEFINE_NAME, name);
}

uint32_t scope_runtime_route(PyObject *template)
{
    return number_of(runtime.routes, SCOPE_DEFINE_ROUTE, template);
}

static bool grow_sites(SessionObject *session, uint32_t number)
{
    size_t capacity = session->site_capacity ? session->site_capacity : 256;
    while (capacity <= number)
        capacity *= 2;
    uint32_t *grown = PyMem_RawRealloc(session->site_numbers, capacity * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + session->site_capacity, 0, (capacity - session->site_capacity) * sizeof *grown);
    session->site_numbers = grown;
    session->site_capacity = capacity;
    return true;
}

uint32_t scope_session_site_slow(SessionObject *session, uint32_t number)
{
    if (number > runtime.definition_count || (number >= session->site_capacity && !grow_sites(session, number)))
        return 0;
    scope_definition_entry *entry = &runtime.definitions[number - 1];
    if (entry->refused_by == session->serial
        && (++entry->uses % RETRY_EVERY || !scope_can_define(&session->segment, entry->length)))
        return 0; /* counted when it was refused first */
    uint32_t written = scope_define(&session->segment, entry->kind, entry->payload, entry->length);
    if (!written)
        entry->refused_by = session->serial;
    return session->site_numbers[number] = written;
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
    pthread_mutex_lock(&lanes_lock);
    open_serial = self->serial;
    pthread_mutex_unlock(&lanes_lock);
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
    pthread_mutex_lock(&lanes_lock);
    if (open_serial == self->serial)
        open_serial = 0;
    self->serial = 0;
    scope_segment_close(&self->segment);
    pthread_mutex_unlock(&lanes_lock);
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
    if (pthread_key_create(&lane_key, retire_lane) != 0 || pthread_atfork(NULL, NULL, drop_inherited) != 0) {
        PyErr_SetString(PyExc_ImportError, "scope._core: no thread-local key or no fork handler to be had");
        return -1;
    }
    SessionType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &session_spec, NULL);
    return SessionType ? PyModule_AddType(module, SessionType) : -1;
}
