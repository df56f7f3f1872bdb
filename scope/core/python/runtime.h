/* What the native surface of one process knows: the session, the current context, definitions, hooks.
 *
 * There is one traced process and so one runtime: it is static, which saves a look-up on every event. The module refuses to
 * be loaded into a second interpreter. Everything here is guarded by the GIL unless it says otherwise.
 */
#ifndef SCOPE_RUNTIME_H
#define SCOPE_RUNTIME_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include "../clock.h"
#include "../ids.h"
#include "../inbound.h"
#include "../ring.h"

typedef struct {
    PyObject_HEAD
    scope_segment segment;
    PyObject *path;
    uint64_t serial; /* distinguishes sessions of this process and its forks; 0: closed */
    uint64_t requests; /* keys given so far */
    uint32_t *site_numbers; /* process-wide definition number -> number in this segment, 0: not yet written */
    size_t site_capacity;
    uint32_t max_value_bytes;
    uint32_t max_attributes;
    uint32_t sleepers; /* threads that wait for room in their lane, without the GIL: wait.c */
    bool closing;
    bool block_event_loops; /* also a thread that runs one may wait */
} SessionObject;

typedef struct {
    PyObject_HEAD
    SessionObject *session; /* strong */
    uint64_t serial; /* of the session when the request began */
    uint64_t key;
    uint8_t trace_id[16];
    uint64_t span_id;
    uint64_t remote_parent;
    uint8_t kind, flags, trace_flags;
    bool response_started, response_ended, disconnected, ended;
    uint32_t spans; /* span numbers given so far */
    uint64_t bytes_in, bytes_out, messages_in, messages_out;
    uint8_t id_size;
    char id[SCOPE_REQUEST_ID_MAX];
    PyObject *header_name; /* of the correlation header, bytes; NULL for a task */
    PyObject *tracestate; /* str or NULL */
    PyObject *route; /* str or NULL */
    PyObject *response_header; /* (name, value) in bytes, once it was asked for */
    PyObject *last_error; /* what tells the exception that was recorded last: errors.c */
    PyObject *method, *path; /* of the scope, while it began under conditions; else NULL */
    uint64_t conditions, tickets; /* bits of those that it meets, and of those it took the ticket of: conditions.h */
    uint32_t conditions_of; /* serial of the table that was looked at; 0: none */
    struct scope_async_tasks *async_tasks; /* async_tasks.h; NULL before the first */
    struct scope_calls *calls; /* of instrumented functions: calls.h; NULL before the first */
} RequestObject;

/* The value of the ContextVar: which request, which span. Never changed once another context may hold it; see context.h. */
typedef struct {
    PyObject_HEAD
    RequestObject *request; /* NULL: none, or suppressed */
    uint32_t span;
    bool suppressed;
} ContextObject;

typedef struct {
    uint8_t *payload;
    uint32_t length;
    uint8_t kind;
    uint64_t refused_by; /* serial of the last session that had no room for it */
    uint32_t uses; /* since then */
    uint32_t requests; /* of a route, while only some of them are sampled: shedding.h */
} scope_definition_entry;

typedef struct {
    SessionObject *session; /* strong; NULL: nothing is written */
    uint64_t serial; /* last one given */
    bool starting, start_failed;
    bool paused; /* no request and no task begins; those under way go on */
    PyObject *starter;
    PyObject *complain; /* says that memory is short */
    uint64_t complained_of; /* serial of the last session of which it was said */
    PyObject *describe; /* exception -> (type, message, frames) */
    PyObject *is_secret_name;
    PyObject *steered; /* called when the collector says that other functions are to be recorded */
    uint64_t heard; /* what it said last: generation and shedding level */
    bool has_news; /* there is a function to be taken out: shedding.h */
    PyObject *context_variable;
    bool in_place; /* the layout of contexts is the one known: mapping.h */
    PyObject *names; /* str -> definition number */
    PyObject *routes;
    scope_definition_entry *definitions; /* [number - 1] */
    uint32_t definition_count, definition_capacity;
    scope_random random;
    bool random_seeded;
    uint64_t lost_forked; /* events of requests of another session, while there was none to count them in */
} scope_runtime;

extern scope_runtime runtime;

#define SCOPE_DEFINITIONS_MAX 65536

/* ---- thread_lane.c ---- */

/* The calling thread's ring in the session; NULL where it can have none (counted). */
scope_ring *scope_thread_ring(SessionObject *session);

/* ---- session.c ---- */

/* An event is lost, as the session of its request is not this process's, or is closed. */
void scope_count_forked(void);

/* The session that a request or a task may begin in; started by the starter where there is none. NULL while paused. */
SessionObject *scope_ensure_session(void);

/* Calls runtime.steered where the control word has another generation than it had, or functions are to be taken out or put back
 * (shedding.h). Leaves no exception set. */
void scope_steered(uint64_t control);

/* Looks whether the collector has said that other functions are to be recorded, or more or less left out; wherever a process
 * that is busy comes by. */
static inline void scope_session_steered(SessionObject *session)
{
    uint64_t control = scope_load_relaxed(&session->segment.control->control) & SCOPE_CONTROL_HEARD_MASK;
    if (__builtin_expect(control != runtime.heard || runtime.has_news, 0))
        scope_steered(control);
}

uint64_t scope_runtime_random(void);

extern PyTypeObject *SessionType;
int scope_add_session(PyObject *module);

/* ---- definitions.c ---- */

/* The number by which the session's segment knows a process-wide definition, written on first use; 0: no room. */
uint32_t scope_session_site_slow(SessionObject *session, uint32_t number);

static inline uint32_t scope_session_site(SessionObject *session, uint32_t number)
{
    if (number < session->site_capacity && session->site_numbers[number])
        return session->site_numbers[number];
    return number ? scope_session_site_slow(session, number) : 0;
}

/* A new process-wide definition; its number, or 0 when there are too many or memory is short. */
uint32_t scope_runtime_define(uint8_t kind, const uint8_t *payload, uint32_t length);

/* The number of a name or a route, defined on first use. 0 where it cannot be defined; never sets an exception. */
uint32_t scope_runtime_name(PyObject *name);
uint32_t scope_runtime_route(PyObject *template);

/* The number of a code site, defined on first use; as above. `code` is a code object, `module` a str or NULL. */
uint32_t scope_runtime_code(PyObject *code, PyObject *module);

#endif
