/* The Request as Python sees it, and how it is annotated and ended. How it begins is in begin.c. */
#include "request.h"

#include "../inbound.h"
#include "async_tasks.h"
#include "calls.h"
#include "conditions.h"
#include "context.h"
#include "emit.h"
#include "loop.h"
#include "values.h"
#include "wait.h"

#define ANNOTATION_BYTES 12288

PyTypeObject *RequestType;

/* An application that learns that its client has left may just return, as those do that stream. */
static bool is_cut_short(const RequestObject *self)
{
    return self->kind == SCOPE_KIND_HTTP && self->disconnected && !self->response_ended;
}

void scope_end_request(RequestObject *self, uint8_t outcome)
{
    if (self->ended)
        return;
    if (outcome == SCOPE_OUTCOME_OK && is_cut_short(self))
        outcome = SCOPE_OUTCOME_DISCONNECTED;
    uint64_t now_ns = scope_event_now();
    scope_loop_leave(self, now_ns);
    self->ended = true;
    Py_CLEAR(self->last_error);
    scope_calls_report(self);
    scope_async_tasks_report(self);
    uint64_t payload[5] = {outcome, self->bytes_in, self->messages_in, self->messages_out, self->bytes_out};
    scope_emit_payload_at(self, now_ns, SCOPE_REQUEST_END, 0, 1, 0, payload, sizeof payload);
    if (self->kind != SCOPE_KIND_TASK)
        scope_thread_ends_exchange();
}

void scope_annotate(RequestObject *self, uint32_t span, PyObject *attributes)
{
    if (!PyDict_GET_SIZE(attributes))
        return;
    uint8_t bytes[ANNOTATION_BYTES];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    buffer.max_value_bytes = self->session->max_value_bytes;
    buffer.max_attributes = self->session->max_attributes;
    scope_put_attributes(&buffer, attributes);
    scope_emit_payload(self, SCOPE_ANNOTATION, 0, span, 0, buffer.start, scope_buffer_size(&buffer));
}

/* ---- methods ---- */

static PyObject *request_end(RequestObject *self, PyObject *outcome)
{
    long value = PyLong_AsLong(outcome);
    if (value == -1 && PyErr_Occurred())
        return NULL;
    scope_end_request(self, (uint8_t)value);
    Py_RETURN_NONE;
}

uint8_t scope_fail_request(RequestObject *self, PyObject *error)
{
    uint8_t outcome = scope_outcome_of(error);
    if (outcome == SCOPE_OUTCOME_CANCELLED && self->disconnected)
        outcome = SCOPE_OUTCOME_DISCONNECTED;
    if (outcome == SCOPE_OUTCOME_EXCEPTION) {
        scope_record_error(self, 1, error, true);
        if (!self->response_started && self->kind == SCOPE_KIND_HTTP) {
            uint32_t payload[2] = {500, SCOPE_STATUS_ASSUMED};
            scope_emit_payload(self, SCOPE_RESPONSE_START, 0, 1, 0, payload, sizeof payload);
        }
    }
    scope_end_request(self, outcome);
    return outcome;
}

/* Ends the request as `error` says (None: as it should); what was recorded of it is returned as the outcome. */
static PyObject *request_fail(RequestObject *self, PyObject *error)
{
    return PyLong_FromLong(scope_fail_request(self, error));
}

PyObject *scope_activate_request(RequestObject *self)
{
    ContextObject *before = scope_context();
    /* `before` is kept by the caller, so it is never changed in place */
    if (scope_context_become(NULL, self, 1, false) < 0) {
        Py_XDECREF(before);
        return NULL;
    }
    return before ? (PyObject *)before : Py_NewRef(Py_None);
}

static PyObject *request_activate(RequestObject *self, PyObject *unused)
{
    (void)unused;
    return scope_activate_request(self);
}

int scope_deactivate_request(RequestObject *self, PyObject *before)
{
    ContextObject *context = scope_context();
    ContextObject *former = Py_IS_TYPE(before, ContextType) ? (ContextObject *)before : NULL;
    int failed = 0;
    if (context && context->request == self)
        failed = scope_context_become(context, former ? former->request : NULL, former ? former->span : 0,
                                      former && former->suppressed);
    Py_XDECREF(context);
    return failed;
}

static PyObject *request_deactivate(RequestObject *self, PyObject *before)
{
    if (scope_deactivate_request(self, before) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *scope_response_header(RequestObject *self)
{
    PyObject *value = NULL;
    if (!self->response_header && self->header_name)
        value = PyBytes_FromStringAndSize(self->id, self->id_size);
    if (value)
        self->response_header = PyTuple_Pack(2, self->header_name, value);
    Py_XDECREF(value);
    return self->response_header;
}

/* Emits the route that `template` names. */
void scope_name_route(RequestObject *self, PyObject *template)
{
    Py_XSETREF(self->route, Py_NewRef(template));
    scope_conditions_routed(self);
    scope_calls_sample(self, template);
    uint32_t number = scope_runtime_route(template);
    SessionObject *session = runtime.session;
    uint32_t site = session && session->serial == self->serial ? scope_session_site(session, number) : 0;
    uint8_t bytes[600];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    if (!site)
        scope_put_text(&buffer, template, 512);
    scope_emit_payload(self, SCOPE_REQUEST_ROUTE, site, 1, 0, buffer.start, scope_buffer_size(&buffer));
}

static PyObject *request_set_route(RequestObject *self, PyObject *template)
{
    if (!PyUnicode_Check(template)) {
        PyErr_Format(PyExc_TypeError, "the route template must be a str, not %s", Py_TYPE(template)->tp_name);
        return NULL;
    }
    scope_name_route(self, template);
    Py_RETURN_NONE;
}

static PyObject *request_annotate(RequestObject *self, PyObject *attributes)
{
    if (!PyDict_Check(attributes)) {
        PyErr_Format(PyExc_TypeError, "attributes must be a dict, not %s", Py_TYPE(attributes)->tp_name);
        return NULL;
    }
    scope_annotate(self, 1, attributes);
    PyErr_Clear();
    Py_RETURN_NONE;
}

static PyObject *request_wrap_send(RequestObject *self, PyObject *send)
{
    return scope_wrap_send(self, send);
}

static PyObject *request_wrap_receive(RequestObject *self, PyObject *receive)
{
    return scope_wrap_receive(self, receive);
}

static PyObject *request_trace_id(RequestObject *self, void *unused)
{
    (void)unused;
    char text[32];
    scope_write_hex(text, self->trace_id, sizeof self->trace_id);
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

static PyObject *span_hex(uint64_t id)
{
    char text[16];
    scope_write_hex64(text, id);
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

static PyObject *request_span_id(RequestObject *self, void *unused)
{
    (void)unused;
    return span_hex(self->span_id);
}

static PyObject *traceparent_of(const RequestObject *self, uint32_t span)
{
    char text[55] = "00-";
    scope_write_hex(text + 3, self->trace_id, sizeof self->trace_id);
    text[35] = '-';
    scope_write_hex64(text + 36, scope_span_id(self->span_id, span));
    text[52] = '-';
    scope_write_hex(text + 53, &self->trace_flags, 1);
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

static PyObject *request_traceparent(RequestObject *self, void *unused)
{
    (void)unused;
    ContextObject *context = scope_context();
    uint32_t span = context && context->request == self ? context->span : 1;
    Py_XDECREF(context);
    return traceparent_of(self, span);
}

static PyObject *request_response_header(RequestObject *self, void *unused)
{
    (void)unused;
    PyObject *header = scope_response_header(self);
    if (!header && PyErr_Occurred())
        return NULL;
    return Py_NewRef(header ? header : Py_None);
}

static PyObject *request_id(RequestObject *self, void *unused)
{
    (void)unused;
    return PyUnicode_FromStringAndSize(self->id, self->id_size);
}

static PyObject *request_repr(RequestObject *self)
{
    PyObject *id = request_id(self, NULL);
    PyObject *text = id ? PyUnicode_FromFormat("<scope.Request id=%R>", id) : NULL;
    Py_XDECREF(id);
    return text;
}

static void request_dealloc(RequestObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->session);
    Py_XDECREF(self->header_name);
    Py_XDECREF(self->tracestate);
    Py_XDECREF(self->route);
    Py_XDECREF(self->method);
    Py_XDECREF(self->path);
    Py_XDECREF(self->response_header);
    Py_XDECREF(self->last_error);
    scope_calls_free(self);
    scope_async_tasks_free(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef request_methods[] = {
    {"wrap_send", (PyCFunction)request_wrap_send, METH_O, "A send callable that records the response."},
    {"wrap_receive", (PyCFunction)request_wrap_receive, METH_O, "A receive callable that counts what comes in."},
    {"set_route", (PyCFunction)request_set_route, METH_O, "Name the route by its full template."},
    {"annotate", (PyCFunction)request_annotate, METH_O, "Attach attributes (a dict) to the request itself."},
    {"activate", (PyCFunction)request_activate, METH_NOARGS, "Make this the current request; returns a token."},
    {"deactivate", (PyCFunction)request_deactivate, METH_O, "Undo activate()."},
    {"end", (PyCFunction)request_end, METH_O, "Write the end with an outcome."},
    {"fail", (PyCFunction)request_fail, METH_O, "Write the end for an exception; returns the outcome."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef request_members[] = {
    {"tracestate", T_OBJECT, offsetof(RequestObject, tracestate), READONLY, "The caller's tracestate, or None."},
    {"route", T_OBJECT, offsetof(RequestObject, route), READONLY, "The route's template, or None."},
    {"response_started", T_BOOL, offsetof(RequestObject, response_started), READONLY, "Whether a response began."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef request_getters[] = {
    {"id", (getter)request_id, NULL, "The correlation id.", NULL},
    {"trace_id", (getter)request_trace_id, NULL, "The W3C trace id, 32 hex digits.", NULL},
    {"span_id", (getter)request_span_id, NULL, "The W3C id of the root span, 16 hex digits.", NULL},
    {"traceparent", (getter)request_traceparent, NULL, "The W3C header for a call made from here.", NULL},
    {"response_header", (getter)request_response_header, NULL, "(name, value) in bytes, or None for a task.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot request_slots[] = {
    {Py_tp_doc, "One ASGI scope, or one task outside any, while it runs."},
    {Py_tp_dealloc, request_dealloc},
    {Py_tp_repr, request_repr},
    {Py_tp_methods, request_methods},
    {Py_tp_members, request_members},
    {Py_tp_getset, request_getters},
    {0, NULL},
};

static PyType_Spec request_spec = {
    .name = "scope._core.Request",
    .basicsize = sizeof(RequestObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = request_slots,
};

/* ---- functions ---- */

/* begin_request(scope, header, trust, /) */
static PyObject *begin_request(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (count != 3 || !PyBytes_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "begin_request(scope, header: bytes, trust: bool)");
        return NULL;
    }
    RequestObject *request = scope_begin_request(args[0], args[1], args[2] == Py_True);
    return request ? (PyObject *)request : Py_NewRef(Py_None);
}

static PyObject *current_request(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    ContextObject *context = scope_context();
    PyObject *request = context && context->request ? (PyObject *)context->request : Py_None;
    Py_INCREF(request);
    Py_XDECREF(context);
    return request;
}

static PyObject *current_span_id(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    ContextObject *context = scope_context();
    PyObject *id = context && context->request ? span_hex(scope_span_id(context->request->span_id, context->span))
                                               : Py_NewRef(Py_None);
    Py_XDECREF(context);
    return id;
}

static PyObject *annotate(PyObject *module, PyObject *args, PyObject *attributes)
{
    (void)module;
    if (PyTuple_GET_SIZE(args)) {
        PyErr_SetString(PyExc_TypeError, "annotate() takes keyword arguments only: annotate(user_id=42)");
        return NULL;
    }
    ContextObject *context = scope_context();
    if (context && context->request && attributes)
        scope_annotate(context->request, context->span, attributes);
    PyErr_Clear();
    Py_XDECREF(context);
    Py_RETURN_NONE;
}

static PyMethodDef request_functions[] = {
    {"begin_request", (PyCFunction)(void (*)(void))begin_request, METH_FASTCALL,
     "begin_request(scope, header, trust): begin the request of an ASGI scope; None while capture is off."},
    {"current_request", current_request, METH_NOARGS, "The request that this code runs for, or None."},
    {"current_span_id", current_span_id, METH_NOARGS, "The W3C id of the current span, or None."},
    {"record_error", scope_record_handled, METH_O, "Record an exception that was handled, on the current span."},
    {"annotate", (PyCFunction)(void (*)(void))annotate, METH_VARARGS | METH_KEYWORDS,
     "annotate(**attributes): attach attributes to the current span."},
    {NULL, NULL, 0, NULL},
};

int scope_add_request(PyObject *module)
{
    RequestType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &request_spec, NULL);
    if (!RequestType || scope_add_begin() < 0 || PyModule_AddFunctions(module, request_functions) < 0)
        return -1;
    return PyModule_AddType(module, RequestType);
}
