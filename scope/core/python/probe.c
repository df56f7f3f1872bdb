/* Probe: a callable around a synchronous function that records each call within a request.
 *
 * Entry and exit are one 32-byte record each; outside any request the call goes straight through.
 */

#include "awaiting.h"
#include "context.h"
#include "emit.h"
#include "request.h"
#include "wrapper.h"

/* The end of a call that raised. */
static void end_failed(RequestObject *request, uint32_t site, uint32_t span)
{
    scope_raised raised = scope_fetch_raised();
    uint8_t outcome = scope_outcome_of(raised.error);
    if (outcome == SCOPE_OUTCOME_EXCEPTION)
        scope_record_error(request, span, raised.error, true);
    scope_emit(request, SCOPE_FUNCTION_EXIT, site, span, outcome);
    scope_restore_raised(raised);
}

/* Takes over the reference to `context`. */
static PyObject *call_traced(WrapperObject *self, ContextObject *context, PyObject *const *args, size_t flags, PyObject *names)
{
    RequestObject *request = (RequestObject *)Py_NewRef((PyObject *)context->request);
    SessionObject *session = runtime.session;
    uint32_t site = session && session->serial == request->serial ? scope_session_site(session, self->site) : 0;
    uint32_t span = scope_next_span(request);
    uint32_t parent = context->span;
    scope_emit(request, SCOPE_FUNCTION_ENTER, site, span, parent);
    if (scope_context_become(context, request, span, false) < 0)
        PyErr_Clear();
    Py_DECREF(context);
    PyObject *result = PyObject_Vectorcall(self->wrapped, args, flags, names);
    if (__builtin_expect(result != NULL, 1))
        scope_emit(request, SCOPE_FUNCTION_EXIT, site, span, SCOPE_OUTCOME_OK);
    else
        end_failed(request, site, span);
    scope_context_restore(request, span, parent);
    Py_DECREF(request);
    return result;
}

static PyObject *probe_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    WrapperObject *self = (WrapperObject *)callable;
    ContextObject *context = scope_context();
    if (!context || !context->request) {
        Py_XDECREF(context);
        return PyObject_Vectorcall(self->wrapped, args, flags, names);
    }
    return call_traced(self, context, args, flags, names);
}

static PyObject *probe_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *wrapped;
    unsigned int site;
    static char *names[] = {"", "", NULL}; /* positional only */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OI:Probe", names, &wrapped, &site))
        return NULL;
    WrapperObject *self = scope_new_wrapper(type, wrapped, probe_call);
    if (self)
        self->site = site;
    return (PyObject *)self;
}

int scope_add_probe(PyObject *module)
{
    PyTypeObject *type = scope_wrapper_type(module, "scope._core.Probe",
                                            "A synchronous function whose calls are recorded within requests.", probe_new);
    Py_XDECREF(type); /* the module has it */
    return type ? 0 : -1;
}
