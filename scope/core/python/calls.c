/* The counters of calls that a request has; what they are for is told in calls.h. */
#include "calls.h"

#include "emit.h"
#include "request.h"
#include "shedding.h"

#define NAMES_SHOWN 16 /* functions that a trace names, those most held back first */

scope_call_limits call_limits = {1000, 10000};
static scope_call_limits limits_set = {1000, 10000};

static PyObject *names; /* list: [index of a probe] its name */
static PyObject *indexes; /* dict: number of a definition -> index */

static bool prepare(void)
{
    if (!names)
        names = PyList_New(0);
    if (!indexes)
        indexes = PyDict_New();
    return names && indexes;
}

/* A new index, by which `site` (NULL: none) is known from now on. */
static int64_t new_index(PyObject *name, PyObject *site)
{
    PyObject *index = PyLong_FromSsize_t(PyList_GET_SIZE(names));
    int failed = !index || (site && PyDict_SetItem(indexes, site, index) < 0) || PyList_Append(names, name) < 0;
    Py_XDECREF(index);
    return failed ? -1 : PyList_GET_SIZE(names) - 1;
}

int64_t scope_calls_register(PyObject *name, uint32_t site)
{
    if (!prepare())
        return -1;
    if (!site)
        return new_index(name, NULL);
    PyObject *key = PyLong_FromUnsignedLong(site);
    if (!key)
        return -1;
    PyObject *known = PyDict_GetItemWithError(indexes, key);
    int64_t index = known ? PyLong_AsLongLong(known) : PyErr_Occurred() ? -1 : new_index(name, key);
    Py_DECREF(key);
    return index;
}

PyObject *scope_calls_name(uint32_t index)
{
    return PyList_GET_ITEM(names, index);
}

void scope_apply_call_limits(void)
{
    call_limits = limits_set;
    if (call_limits.per_function > shedding.step.calls)
        call_limits.per_function = shedding.step.calls;
}

void scope_calls_sample(RequestObject *request, PyObject *route)
{
    if (request->calls)
        request->calls->most = scope_sampled(route) ? call_limits.per_request : 0;
}

static bool begin(RequestObject *request)
{
    if (request->calls)
        return true;
    request->calls = PyMem_RawCalloc(1, sizeof *request->calls);
    scope_calls_sample(request, request->route);
    return request->calls != NULL;
}

bool scope_calls_grow(RequestObject *request, uint32_t index)
{
    if (!begin(request))
        return false;
    struct scope_calls *calls = request->calls;
    uint32_t capacity = (uint32_t)PyList_GET_SIZE(names);
    capacity = index < capacity ? capacity : index + 1;
    uint32_t *seen = PyMem_RawRealloc(calls->seen, capacity * sizeof *seen);
    if (!seen)
        return false;
    memset(seen + calls->capacity, 0, (capacity - calls->capacity) * sizeof *seen);
    calls->seen = seen;
    calls->capacity = capacity;
    return true;
}

void scope_calls_free(RequestObject *request)
{
    if (!request->calls)
        return;
    PyMem_RawFree(request->calls->seen);
    PyMem_RawFree(request->calls);
    request->calls = NULL;
}

/* Calls of a probe beyond those that it might have recorded. Where the request's own limit was met first, all of its calls
 * since then are beyond, which only their sum tells. */
static uint32_t beyond(const struct scope_calls *calls, uint32_t index)
{
    return calls->seen[index] > call_limits.per_function ? calls->seen[index] - call_limits.per_function : 0;
}

/* The probe that is held back most, below `bound` calls or of these a later one than `after`; -1 where there is none. */
static int64_t next_most(const struct scope_calls *calls, uint32_t bound, int64_t after)
{
    int64_t found = -1;
    for (uint32_t index = 0; index < calls->capacity; index++) {
        uint32_t count = beyond(calls, index);
        bool is_next = count && (count < bound || (count == bound && index > after));
        if (is_next && (found < 0 || count > beyond(calls, (uint32_t)found)))
            found = index;
    }
    return found;
}

/* A new dict: function -> calls held back. */
static PyObject *by_function(const struct scope_calls *calls)
{
    PyObject *result = PyDict_New();
    uint32_t bound = UINT32_MAX;
    int64_t index = -1;
    for (int shown = 0; result && shown < NAMES_SHOWN; shown++) {
        index = next_most(calls, bound, index);
        if (index < 0)
            break;
        bound = beyond(calls, (uint32_t)index);
        PyObject *count = PyLong_FromUnsignedLong(bound);
        if (!count || PyDict_SetItem(result, PyList_GET_ITEM(names, index), count) < 0)
            Py_CLEAR(result);
        Py_XDECREF(count);
    }
    return result;
}

static PyObject *report(const struct scope_calls *calls)
{
    PyObject *functions = by_function(calls);
    if (!functions)
        return NULL;
    PyObject *attributes = Py_BuildValue("{s:K}", "scope.held_back_calls", (unsigned long long)calls->held_back);
    if (attributes && PyDict_GET_SIZE(functions) && PyDict_SetItemString(attributes, "scope.held_back", functions) < 0)
        Py_CLEAR(attributes);
    Py_DECREF(functions);
    return attributes;
}

/* Tells the ledger of the request how many calls were held back, and what was shed while it ran. */
static void emit_ledger(const RequestObject *request, uint64_t held_back, bool is_sampled_out)
{
    SessionObject *session = runtime.session;
    uint32_t account = session && session->serial == request->serial ? scope_session_site(session, shedding.account) : 0;
    struct {
        uint64_t held_back;
        uint32_t taken_out;
        uint8_t level, flags;
        uint16_t share;
    } payload = {held_back, shedding.taken_out, shedding.level, is_sampled_out ? SCOPE_LEDGER_SAMPLED_OUT : 0, shedding.share};
    _Static_assert(sizeof payload == 16, "as in docs/design/wire.md");
    scope_emit_payload(request, SCOPE_LEDGER, account, 1, 0, &payload, sizeof payload);
}

static void note_hot_functions(const struct scope_calls *calls)
{
    for (uint32_t index = 0; shedding.level && index < calls->capacity; index++)
        scope_note_calls(index, calls->seen[index]);
}

void scope_calls_report(RequestObject *request)
{
    struct scope_calls *calls = request->calls;
    uint64_t held_back = calls ? calls->held_back : 0;
    bool is_sampled_out = calls ? calls->most == 0 : shedding.step.one_of == 0;
    if (held_back || shedding.level)
        emit_ledger(request, held_back, is_sampled_out);
    if (!held_back)
        return;
    note_hot_functions(calls);
    if (is_sampled_out)
        return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *attributes = report(request->calls);
    if (attributes)
        scope_annotate(request, 1, attributes);
    Py_XDECREF(attributes);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

PyObject *scope_set_call_limits(PyObject *module, PyObject *args)
{
    (void)module;
    scope_call_limits given;
    if (!PyArg_ParseTuple(args, "II:set_call_limits", &given.per_function, &given.per_request))
        return NULL;
    limits_set = given;
    scope_apply_call_limits();
    Py_RETURN_NONE;
}
