/* Waiting for room in a lane, for the policy to block: with the GIL released, and never where it would stop an event loop.
 *
 * A writer that sleeps is in the middle of scope_ring_reserve(). It holds a reference to its session and is counted in
 * `sleepers`, both changed with the GIL held. When it is awake it takes the GIL back and does not give it up before its
 * record is written: so whoever has the GIL and finds `sleepers` at 0 may unmap the segment. Closing a session wakes all and
 * waits for that. No lock is held while it sleeps, so a fork of another thread finds none taken; in the child there is no
 * sleeper.
 *
 * What sleeps is the record of an event, whose time was taken before: it tells when the event was, not when there was room.
 */
#include "wait.h"

static _Thread_local uint32_t exchanges; /* ASGI exchanges under way in this thread */

void scope_thread_begins_exchange(void)
{
    exchanges++;
}

void scope_thread_ends_exchange(void)
{
    exchanges -= exchanges > 0;
}

/* A module that has been imported; borrowed. Nothing is imported here, and no import is waited for. */
static PyObject *imported(const char *name)
{
    PyObject *modules = PyImport_GetModuleDict();
    return modules && PyDict_Check(modules) ? PyDict_GetItemString(modules, name) : NULL;
}

/* Whether asyncio says that a loop runs in this thread; uvloop tells it, too. */
static bool runs_asyncio(void)
{
    PyObject *asyncio = imported("asyncio.events");
    PyObject *ask = asyncio ? PyObject_GetAttrString(asyncio, "_get_running_loop") : NULL;
    PyObject *loop = ask ? PyObject_CallNoArgs(ask) : NULL;
    bool runs = loop && loop != Py_None;
    Py_XDECREF(loop);
    Py_XDECREF(ask);
    return runs;
}

/* Whether another library's loop runs in this thread, as trio's: such libraries leave their name in sniffio. */
static bool runs_another(void)
{
    PyObject *sniffio = imported("sniffio");
    PyObject *local = sniffio ? PyObject_GetAttrString(sniffio, "thread_local") : NULL;
    PyObject *name = local ? PyObject_GetAttrString(local, "name") : NULL;
    bool runs = name && name != Py_None;
    Py_XDECREF(name);
    Py_XDECREF(local);
    return runs;
}

static bool runs_event_loop(void)
{
    PyObject *type, *value, *traceback;
    if (exchanges)
        return true;
    PyErr_Fetch(&type, &value, &traceback);
    bool runs = runs_asyncio() || runs_another();
    PyErr_Restore(type, value, traceback);
    return runs;
}

enum scope_slept scope_sleep_without_gil(void *session, scope_futex *at, uint32_t expected, uint64_t deadline_ns)
{
    SessionObject *self = session;
    if (self->closing || (!self->block_event_loops && runs_event_loop()))
        return SCOPE_SLEEP_REFUSED;
    Py_INCREF(self);
    self->sleepers++;
    PyThreadState *thread = PyEval_SaveThread();
    bool in_time = scope_futex_wait(at, expected, deadline_ns) && scope_clock_now() < deadline_ns;
    PyEval_RestoreThread(thread);
    self->sleepers--;
    if (Py_REFCNT(self) > 1) /* the last reference is left: it keeps mapped what is written to next */
        Py_DECREF(self);
    if (self->closing)
        return SCOPE_SLEEP_REFUSED;
    return in_time ? SCOPE_SLEPT : SCOPE_SLEPT_PAST_DEADLINE;
}

/* One that has not reached the kernel yet is not woken by this: hence again, until there is none. */
static void wake_all(const scope_segment *segment)
{
    struct timespec pause = {0, 1000000};
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++)
        scope_futex_wake(&segment->lanes[lane].futex);
    Py_BEGIN_ALLOW_THREADS
    nanosleep(&pause, NULL);
    Py_END_ALLOW_THREADS
}

void scope_wake_sleepers(SessionObject *session)
{
    session->closing = true;
    while (session->sleepers)
        wake_all(&session->segment);
}
