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
    int64_t index = scope_calls_register(name);
    if (index < 0)
        return -1;
    *function = (scope_function){.site = site, .index = (uint32_t)index, .level = (uint8_t)level};
    return 0;
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
