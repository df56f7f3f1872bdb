/* Keeps and writes a request's asyncio tasks; what it promises is told in async_tasks.h. */
#include "async_tasks.h"

#include "emit.h"
#include "outside.h"
#include "request.h"
#include "values.h"

#define FIRST_SLOTS 8
#define NAME_BYTES 128

enum { BEGAN_UNSEEN = 1 }; /* flag of an ASYNC_TASK_BEGIN */

typedef struct {
    PyObject *task; /* not a reference; NULL: free */
    uint32_t number; /* 0: the request's own */
} known_task;

struct scope_async_tasks {
    known_task *known; /* a hash table without tombstones */
    uint32_t count, capacity;
    uint32_t told;
    uint64_t only_counted;
    bool own_unknown;
};

/* ---- which are known ---- */

static uint32_t home_of(const struct scope_async_tasks *self, const PyObject *task)
{
    return (uint32_t)((uintptr_t)task >> 4) * UINT32_C(0x9E3779B1) >> 7 & (self->capacity - 1);
}

static known_task *find(const struct scope_async_tasks *self, const PyObject *task)
{
    if (!self || !self->capacity)
        return NULL;
    uint32_t at = home_of(self, task);
    while (self->known[at].task && self->known[at].task != task)
        at = (at + 1) & (self->capacity - 1);
    return self->known[at].task ? &self->known[at] : NULL;
}

static void put(struct scope_async_tasks *self, known_task entry)
{
    uint32_t at = home_of(self, entry.task);
    while (self->known[at].task)
        at = (at + 1) & (self->capacity - 1);
    self->known[at] = entry;
    self->count++;
}

static bool grow(struct scope_async_tasks *self)
{
    struct scope_async_tasks grown = *self;
    grown.capacity = self->capacity ? self->capacity * 2 : FIRST_SLOTS;
    grown.count = 0;
    grown.known = PyMem_RawCalloc(grown.capacity, sizeof *grown.known);
    if (!grown.known)
        return false;
    for (uint32_t at = 0; at < self->capacity; at++)
        if (self->known[at].task)
            put(&grown, self->known[at]);
    PyMem_RawFree(self->known);
    *self = grown;
    return true;
}

static bool remember(RequestObject *request, PyObject *task, uint32_t number)
{
    struct scope_async_tasks *self = request->async_tasks;
    known_task *known = find(self, task);
    if (known) {
        known->number = number;
        return true;
    }
    if (self->count >= self->capacity / 2 && !grow(self))
        return false;
    put(self, (known_task){task, number});
    return true;
}

/* Those that follow move up, as far as that brings them nearer to where they belong. */
static void forget(struct scope_async_tasks *self, known_task *gone)
{
    uint32_t hole = (uint32_t)(gone - self->known), mask = self->capacity - 1;
    for (uint32_t at = (hole + 1) & mask; self->known[at].task; at = (at + 1) & mask) {
        uint32_t home = home_of(self, self->known[at].task);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        self->known[hole] = self->known[at];
        hole = at;
    }
    self->known[hole].task = NULL;
    self->count--;
}

static bool has_tasks(RequestObject *request)
{
    if (!request->async_tasks)
        request->async_tasks = PyMem_RawCalloc(1, sizeof *request->async_tasks);
    return request->async_tasks != NULL;
}

void scope_async_tasks_begin(RequestObject *request, PyObject *task)
{
    if (!has_tasks(request))
        return;
    if (task)
        remember(request, task, 0);
    request->async_tasks->own_unknown = task == NULL;
}

void scope_async_tasks_free(RequestObject *request)
{
    if (!request->async_tasks)
        return;
    PyMem_RawFree(request->async_tasks->known);
    PyMem_RawFree(request->async_tasks);
    request->async_tasks = NULL;
}

/* ---- what is asked of a task; all of it leaves no exception set ---- */

static PyObject *name_get_coro, *name_get_name, *name_cr_suspended, *name_state, *name_exception;

int scope_add_async_tasks(void)
{
    name_get_coro = PyUnicode_InternFromString("get_coro");
    name_get_name = PyUnicode_InternFromString("get_name");
    name_cr_suspended = PyUnicode_InternFromString("cr_suspended");
    name_state = PyUnicode_InternFromString("_state");
    name_exception = PyUnicode_InternFromString("_exception");
    return name_get_coro && name_get_name && name_cr_suspended && name_state && name_exception ? 0 : -1;
}

static PyObject *asked(PyObject *task, PyObject *method)
{
    PyObject *answer = PyObject_CallMethodNoArgs(task, method);
    PyErr_Clear();
    return answer;
}

static bool is_state(PyObject *state, const char *name)
{
    return state && PyUnicode_Check(state) && PyUnicode_CompareWithASCIIString(state, name) == 0;
}

/* Whether its coroutine stood still before this step: an eager task's ran as the task was made. */
static bool began_unseen(PyObject *task)
{
    PyObject *coroutine = asked(task, name_get_coro);
    PyObject *suspended = coroutine && PyCoro_CheckExact(coroutine) ? PyObject_GetAttr(coroutine, name_cr_suspended) : NULL;
    PyErr_Clear();
    Py_XDECREF(suspended);
    Py_XDECREF(coroutine);
    return suspended == Py_True;
}

/* The exception that it ended with, not counted as retrieved; NULL for none. */
static PyObject *exception_of(PyObject *task)
{
    PyObject *error = PyObject_GetAttr(task, name_exception);
    PyErr_Clear();
    if (error == Py_None)
        Py_CLEAR(error);
    return error;
}

/* ---- records ---- */

static void emit_begin(RequestObject *request, PyObject *task, uint32_t number, uint32_t span, uint64_t waited_ns,
                       uint64_t begin_ns, bool unseen)
{
    uint8_t bytes[16 + 2 + NAME_BYTES];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    scope_put_bytes(&buffer, &waited_ns, sizeof waited_ns);
    scope_put_u32(&buffer, unseen ? BEGAN_UNSEEN : 0);
    scope_put_u32(&buffer, 0);
    PyObject *name = asked(task, name_get_name);
    scope_put_masked_text(&buffer, name, NAME_BYTES);
    Py_XDECREF(name);
    SessionObject *session = runtime.session;
    uint32_t site = session ? scope_session_site(session, scope_number_of_task(task)) : 0;
    scope_emit_payload_at(request, begin_ns, SCOPE_ASYNC_TASK_BEGIN, site, number, span, buffer.start,
                          scope_buffer_size(&buffer));
}

static void emit_end(RequestObject *request, PyObject *task, bool cancelled, uint32_t number, uint64_t now_ns)
{
    uint8_t bytes[2 + 2 + NAME_BYTES];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    PyObject *error = exception_of(task);
    scope_put_u8(&buffer, cancelled ? SCOPE_OUTCOME_CANCELLED : scope_outcome_of(error));
    scope_put_u8(&buffer, 0);
    const char *type = error ? Py_TYPE(error)->tp_name : "";
    scope_put_utf8(&buffer, type, strnlen(type, NAME_BYTES));
    Py_XDECREF(error);
    scope_emit_payload_at(request, now_ns, SCOPE_ASYNC_TASK_END, 0, number, 0, buffer.start, scope_buffer_size(&buffer));
}

uint32_t scope_async_task_steps(RequestObject *request, PyObject *task, uint32_t span, uint64_t ready_ns, uint64_t begin_ns)
{
    const known_task *known = find(request->async_tasks, task);
    if (known || request->ended || !has_tasks(request))
        return known ? known->number : 0;
    struct scope_async_tasks *self = request->async_tasks;
    bool unseen = began_unseen(task);
    if (unseen && self->own_unknown) {
        scope_async_tasks_begin(request, task);
        return 0;
    }
    if (self->told == SCOPE_ASYNC_TASKS_MAX) {
        self->only_counted += !unseen;
        return 0;
    }
    uint32_t number = scope_next_span(request);
    if (!remember(request, task, number))
        return 0;
    self->told++;
    emit_begin(request, task, number, span, begin_ns - ready_ns, begin_ns, unseen);
    return number;
}

void scope_async_task_rests(RequestObject *request, PyObject *task, uint32_t number, uint64_t now_ns)
{
    /* by its state and not by methods, which a subclass may have of its own */
    PyObject *state = PyObject_GetAttr(task, name_state);
    PyErr_Clear();
    bool cancelled = is_state(state, "CANCELLED"), done = cancelled || is_state(state, "FINISHED");
    Py_XDECREF(state);
    if (!done)
        return;
    known_task *known = find(request->async_tasks, task);
    if (known)
        forget(request->async_tasks, known);
    emit_end(request, task, cancelled, number, now_ns);
}

void scope_async_tasks_report(RequestObject *request)
{
    if (!request->async_tasks || !request->async_tasks->only_counted)
        return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *said = Py_BuildValue("{s:K}", "scope.held_back_tasks", (unsigned long long)request->async_tasks->only_counted);
    if (said)
        scope_annotate(request, 1, said);
    Py_XDECREF(said);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}
