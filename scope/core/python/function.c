/* Calls of functions that a Plan chose, from their beginning to their end: function.h. */
#include "function.h"

#include "context.h"
#include "emit.h"
#include "request.h"

int scope_function_init(scope_function *function, PyObject *name, uint32_t site, unsigned int level)
{
    if (level > SCOPE_LEVEL_LINES) {
        PyErr_Format(PyExc_ValueError, "no level has number %u", level);
        return -1;
    }
    int64_t index = scope_calls_register(name, site);
    if (index < 0)
        return -1;
    *function = (scope_function){.site = site, .index = (uint32_t)index, .level = (uint8_t)level};
    return 0;
}

static int read_case(scope_case *into, PyObject *given)
{
    unsigned int condition, level;
    if (!PyTuple_Check(given) || !PyArg_ParseTuple(given, "II", &condition, &level)) {
        PyErr_SetString(PyExc_TypeError, "a case is (condition, level)");
        return -1;
    }
    if (!condition || condition >= SCOPE_CONDITIONS_MAX || level > SCOPE_LEVEL_LINES) {
        PyErr_Format(PyExc_ValueError, "there is no condition %u with a level %u", condition, level);
        return -1;
    }
    *into = (scope_case){(uint8_t)condition, (uint8_t)level};
    return 0;
}

int scope_function_set_cases(scope_function *function, PyObject *cases)
{
    Py_ssize_t count = PyTuple_GET_SIZE(cases);
    if (count > SCOPE_CASES_MAX) {
        PyErr_Format(PyExc_ValueError, "a function has at most %d cases", SCOPE_CASES_MAX);
        return -1;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        if (read_case(&function->conditional[index], PyTuple_GET_ITEM(cases, index)) < 0)
            return -1;
        function->asked |= UINT64_C(1) << function->conditional[index].condition;
    }
    function->cases = (uint8_t)count;
    return 0;
}

uint8_t scope_function_level_slow(const scope_function *function, RequestObject *request)
{
    for (uint8_t index = 0; index < function->cases; index++)
        if (scope_condition_met(request, function->conditional[index].condition))
            return function->conditional[index].level;
    return function->level;
}

void scope_call_begin(scope_call *call, const scope_function *function, enum scope_level level, ContextObject *context)
{
    RequestObject *request = (RequestObject *)Py_NewRef((PyObject *)context->request);
    SessionObject *session = runtime.session;
    call->request = request;
    call->site = session && session->serial == request->serial ? scope_session_site(session, function->site) : 0;
    call->span = scope_next_span(request);
    call->parent = context->span;
    call->level = (uint8_t)level;
    scope_emit(request, SCOPE_FUNCTION_ENTER, call->site, call->span, call->parent);
    if (scope_context_become(context, request, call->span, false) < 0)
        PyErr_Clear();
    Py_DECREF(context);
}

void scope_call_end(scope_call *call, PyObject *error)
{
    RequestObject *request = call->request;
    call->request = NULL;
    uint8_t outcome = scope_outcome_of(error);
    if (outcome == SCOPE_OUTCOME_EXCEPTION && scope_calls_allow_error(request))
        scope_record_error(request, call->span, error, true);
    scope_emit(request, SCOPE_FUNCTION_EXIT, call->site, call->span, outcome);
    scope_context_restore(request, call->span, call->parent);
    Py_DECREF(request);
}
