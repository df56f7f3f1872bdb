/* The calling thread's lane: claimed with its first event, retired when it ends. */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "thread_lane.h"

#define RETRY_EVERY 1024 /* events of a thread without a lane, until it is tried again */

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

void scope_lanes_open(const SessionObject *session)
{
    pthread_mutex_lock(&lanes_lock);
    open_serial = session->serial;
    pthread_mutex_unlock(&lanes_lock);
}

void scope_lanes_close(SessionObject *session)
{
    pthread_mutex_lock(&lanes_lock);
    if (open_serial == session->serial)
        open_serial = 0;
    session->serial = 0;
    scope_segment_close(&session->segment);
    pthread_mutex_unlock(&lanes_lock);
}

void scope_lanes_forked(void)
{
    pthread_mutex_init(&lanes_lock, NULL);
    open_serial = 0;
    lane.serial = 0;
}

int scope_lanes_prepare(void)
{
    return pthread_key_create(&lane_key, retire_lane) == 0 ? 0 : -1;
}
