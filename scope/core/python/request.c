/* Begins, annotates and ends requests. What a caller sends is checked in ../inbound.c. */
#include "request.h"


#include "../inbound.h"
#include "context.h"
#include "emit.h"
#include "loop.h"
#include "../redact.h"
#include "values.h"

PyTypeObject *RequestType;

#define BEGIN_BYTES 12288

static PyObject *key_type, *key_method, *key_path, *key_headers, *key_scheme, *key_http_version, *key_client;

/* What the headers of a scope hold for us; pointers into the scope's own bytes. */
typedef struct {
    const char *id, *traceparent, *tracestate, *host, *agent;
    Py_ssize_t id_size, traceparent_size, tracestate_size, host_size, agent_size;
} inbound;

static bool is_header(PyObject *name, const char *wanted, Py_ssize_t size)
{
    return PyBytes_GET_SIZE(name) == size && memcmp(PyBytes_AS_STRING(name), wanted, (size_t)size) == 0;
}

static void take_header(inbound *found, PyObject *name, PyObject *value, PyObject *id_name)
{
    const char *text = PyBytes_AS_STRING(value);
    Py_ssize_t size = PyBytes_GET_SIZE(value);
    if (is_header(name, "host", 4))
        found->host = text, found->host_size = size;
    else if (is_header(name, "user-agent", 10))
        found->agent = text, found->agent_size = size;
    else if (is_header(name, "traceparent", 11))
        found->traceparent = text, found->traceparent_size = size;
    else if (is_header(name, "tracestate", 10))
        found->tracestate = text, found->tracestate_size = size;
    else if (is_header(name, PyBytes_AS_STRING(id_name), PyBytes_GET_SIZE(id_name)))
        found->id = text, found->id_size = size;
}

/* Reads a scope's headers where they have the shape that ASGI promises; others are passed over. */
static void read_headers(inbound *found, PyObject *scope, PyObject *id_name)
{
    PyObject *headers = PyDict_GetItemWithError(scope, key_headers);
    if (!headers || !(PyList_Check(headers) || PyTuple_Check(headers)))
        return;
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(headers); index++) {
        PyObject *pair = PySequence_Fast_GET_ITEM(headers, index);
        if (!(PyTuple_Check(pair) || PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) != 2)
            continue;
        PyObject *name = PySequence_Fast_GET_ITEM(pair, 0);
        PyObject *value = PySequence_Fast_GET_ITEM(pair, 1);
        if (PyBytes_Check(name) && PyBytes_Check(value))
            take_header(found, name, value, id_name);
    }
}

static void random_trace(RequestObject *self)
{
    uint64_t halves[2] = {scope_runtime_random(), scope_runtime_random()};
    memcpy(self->trace_id, halves, sizeof self->trace_id);
    self->trace_flags = 1;
}

static PyObject *hex_trace(const RequestObject *self)
{
    char text[32];
    scope_write_hex(text, self->trace_id, sizeof self->trace_id);
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

static int take_ids(RequestObject *self, const inbound *found)
{
    scope_traceparent parent;
    if (found->traceparent && scope_parse_traceparent(found->traceparent, (size_t)found->traceparent_size, &parent)) {
        memcpy(self->trace_id, parent.trace_id, sizeof self->trace_id);
        self->remote_parent = parent.parent_id;
        self->trace_flags = parent.flags;
        self->flags |= SCOPE_FLAG_CALLERS_TRACE;
        if (found->tracestate && scope_valid_tracestate(found->tracestate, (size_t)found->tracestate_size))
            self->tracestate = PyUnicode_FromStringAndSize(found->tracestate, found->tracestate_size);
    } else
        random_trace(self);
    if (found->id && scope_valid_request_id(found->id, (size_t)found->id_size)) {
        self->flags |= SCOPE_FLAG_CALLERS_ID;
        self->id = PyUnicode_FromStringAndSize(found->id, found->id_size);
    } else
        self->id = hex_trace(self);
    return self->id ? 0 : -1;
}

static RequestObject *new_request(SessionObject *session, uint8_t kind)
{
    RequestObject *self = (RequestObject *)RequestType->tp_alloc(RequestType, 0);
    if (!self)
        return NULL;
    self->session = (SessionObject *)Py_NewRef((PyObject *)session);
    self->serial = session->serial;
    self->key = ++session->requests;
    self->span_id = scope_runtime_random();
    self->kind = kind;
    self->spans = 1;
    return self;
}

#define TEXT_TAG 5

typedef struct {
    scope_buffer *buffer;
    uint16_t count;
} attribute_list;

/* An attribute of at most 256 bytes of text. `foreign`: a caller wrote it, so secrets in it are masked. */
static void put_attribute(attribute_list *list, const char *name, const char *text, size_t size, bool foreign)
{
    scope_buffer *buffer = list->buffer;
    uint8_t *attribute_at = buffer->at;
    size_t seen = size < 256 + SCOPE_REDACT_SLACK ? size : 256 + SCOPE_REDACT_SLACK;
    scope_put_utf8(buffer, name, strlen(name));
    scope_put_u8(buffer, TEXT_TAG);
    uint8_t *length_at = buffer->at;
    scope_put_utf8(buffer, text, seen);
    if (buffer->overflow) {
        buffer->at = attribute_at;
        return;
    }
    size_t kept = foreign ? scope_redact_and_cut((char *)length_at + 2, seen, 256) : seen < 256 ? seen : 256;
    uint16_t length = (uint16_t)kept;
    memcpy(length_at, &length, sizeof length);
    buffer->at = length_at + 2 + kept;
    list->count++;
}

/* A str of a scope, where it is plain ASCII, as these all are. */
static void put_string(attribute_list *list, const char *name, PyObject *value)
{
    if (value && PyUnicode_Check(value) && PyUnicode_IS_COMPACT_ASCII(value))
        put_attribute(list, name, PyUnicode_DATA(value), (size_t)PyUnicode_GET_LENGTH(value), false);
}

/* A header, as far as it is printable ASCII. */
static void put_header(attribute_list *list, const char *name, const char *value, Py_ssize_t size)
{
    Py_ssize_t printable = 0;
    while (printable < size && value[printable] >= 0x20 && value[printable] < 0x7F)
        printable++;
    if (printable)
        put_attribute(list, name, value, (size_t)printable, true);
}

static PyObject *first_item(PyObject *pair)
{
    bool sequence = pair && (PyTuple_Check(pair) || PyList_Check(pair)) && PySequence_Fast_GET_SIZE(pair) > 0;
    return sequence ? PySequence_Fast_GET_ITEM(pair, 0) : NULL;
}

/* What lists do not show but people want to see, under OpenTelemetry's names. */
static void put_scope_attributes(scope_buffer *buffer, const RequestObject *self, PyObject *scope, const inbound *found)
{
    uint8_t *count_at = buffer->at;
    attribute_list list = {buffer, 0};
    scope_put_bytes(buffer, &list.count, sizeof list.count);
    put_string(&list, "url.scheme", PyDict_GetItemWithError(scope, key_scheme));
    put_string(&list, "network.protocol.version", PyDict_GetItemWithError(scope, key_http_version));
    put_string(&list, "client.address", first_item(PyDict_GetItemWithError(scope, key_client)));
    put_header(&list, "server.address", found->host, found->host_size);
    put_header(&list, "user_agent.original", found->agent, found->agent_size);
    put_string(&list, "tracestate", self->tracestate);
    memcpy(count_at, &list.count, sizeof list.count);
}

/* Everything of a REQUEST_BEGIN up to its strings. */
static void put_begin(scope_buffer *buffer, const RequestObject *self)
{
    uint8_t rest[8] = {self->kind, self->flags};
    scope_put_bytes(buffer, self->trace_id, sizeof self->trace_id);
    scope_put_bytes(buffer, &self->span_id, sizeof self->span_id);
    scope_put_bytes(buffer, &self->remote_parent, sizeof self->remote_parent);
    scope_put_bytes(buffer, rest, sizeof rest);
}

static void emit_begin(const RequestObject *self, const scope_buffer *buffer)
{
    scope_emit_payload(self, SCOPE_REQUEST_BEGIN, 0, 1, 0, buffer->start, scope_buffer_size(buffer));
}

static void begin_scope(RequestObject *self, PyObject *scope, const inbound *found)
{
    uint8_t bytes[BEGIN_BYTES];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    PyObject *method = PyDict_GetItemWithError(scope, key_method);
    put_begin(&buffer, self);
    scope_put_text(&buffer, method, 32);
    scope_put_masked_text(&buffer, PyDict_GetItemWithError(scope, key_path), 1024);
    scope_put_text(&buffer, self->id, SCOPE_REQUEST_ID_MAX);
    put_scope_attributes(&buffer, self, scope, found);
    emit_begin(self, &buffer);
}

static uint8_t kind_of(PyObject *scope)
{
    PyObject *type = PyDict_GetItemWithError(scope, key_type);
    if (!type || !PyUnicode_Check(type))
        return 0;
    if (PyUnicode_CompareWithASCIIString(type, "http") == 0)
        return SCOPE_KIND_HTTP;
    if (PyUnicode_CompareWithASCIIString(type, "websocket") == 0)
        return SCOPE_KIND_WEBSOCKET;
    return PyUnicode_CompareWithASCIIString(type, "lifespan") == 0 ? SCOPE_KIND_LIFESPAN : 0;
}

static bool is_suppressed(void)
{
    ContextObject *context = scope_context();
    bool suppressed = context && context->suppressed;
    Py_XDECREF(context);
    return suppressed;
}

/* begin_request(scope, header, trust, /) */
static PyObject *begin_request(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (count != 3 || !PyBytes_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "begin_request(scope, header: bytes, trust: bool)");
        return NULL;
    }
    uint8_t kind = PyDict_Check(args[0]) ? kind_of(args[0]) : 0;
    SessionObject *session = kind && !is_suppressed() ? scope_ensure_session() : NULL;
    if (!session)
        Py_RETURN_NONE;
    inbound found = {0};
    read_headers(&found, args[0], args[1]);
    if (args[2] != Py_True)
        found.id = found.traceparent = found.tracestate = NULL;
    RequestObject *self = new_request(session, kind);
    if (!self || take_ids(self, &found) < 0) {
        Py_XDECREF(self);
        return NULL;
    }
    begin_scope(self, args[0], &found);
    PyErr_Clear();
    PyObject *value = PyUnicode_AsASCIIString(self->id);
    if (value)
        self->response_header = PyTuple_Pack(2, args[1], value);
    Py_XDECREF(value);
    if (!self->response_header)
        Py_CLEAR(self);
    else if (kind != SCOPE_KIND_LIFESPAN)
        scope_loop_enter(self);
    return (PyObject *)self;
}

RequestObject *scope_begin_task(PyObject *name, PyObject *attributes)
{
    SessionObject *session = scope_ensure_session();
    RequestObject *self = session ? new_request(session, SCOPE_KIND_TASK) : NULL;
    if (!self) {
        PyErr_Clear();
        return NULL;
    }
    random_trace(self);
    self->id = hex_trace(self);
    uint8_t bytes[BEGIN_BYTES];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    buffer.max_value_bytes = session->max_value_bytes;
    buffer.max_attributes = session->max_attributes;
    put_begin(&buffer, self);
    scope_put_text(&buffer, NULL, 0);
    scope_put_masked_text(&buffer, name, 512);
    scope_put_text(&buffer, self->id, SCOPE_REQUEST_ID_MAX);
    scope_put_attributes(&buffer, attributes);
    emit_begin(self, &buffer);
    PyErr_Clear();
    return self;
}

void scope_end_request(RequestObject *self, uint8_t outcome)
{
    if (self->ended)
        return;
    uint64_t now_ns = scope_clock_now();
    scope_loop_leave(self, now_ns);
    self->ended = true;
    Py_CLEAR(self->last_error);
    uint64_t payload[5] = {outcome, self->bytes_in, self->messages_in, self->messages_out, self->bytes_out};
    scope_emit_payload_at(self, now_ns, SCOPE_REQUEST_END, 0, 1, 0, payload, sizeof payload);
}

void scope_annotate(RequestObject *self, uint32_t span, PyObject *attributes)
{
    if (!PyDict_GET_SIZE(attributes))
        return;
    uint8_t bytes[BEGIN_BYTES];
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

/* Ends the request as `error` says (None: as it should); what was recorded of it is returned as the outcome. */
static PyObject *request_fail(RequestObject *self, PyObject *error)
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
    return PyLong_FromLong(outcome);
}

static PyObject *request_activate(RequestObject *self, PyObject *unused)
{
    (void)unused;
    ContextObject *before = scope_context();
    /* `before` is kept by the caller, so it is never changed in place */
    if (scope_context_become(NULL, self, 1, false) < 0) {
        Py_XDECREF(before);
        return NULL;
    }
    return before ? (PyObject *)before : Py_NewRef(Py_None);
}

/* Makes what was current before activate() current again. Called where the context is the one of activate(), or a copy. */
static PyObject *request_deactivate(RequestObject *self, PyObject *before)
{
    ContextObject *context = scope_context();
    ContextObject *former = Py_IS_TYPE(before, ContextType) ? (ContextObject *)before : NULL;
    int failed = 0;
    if (context && context->request == self)
        failed = scope_context_become(context, former ? former->request : NULL, former ? former->span : 0,
                                      former && former->suppressed);
    Py_XDECREF(context);
    if (failed < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *request_set_route(RequestObject *self, PyObject *template)
{
    if (!PyUnicode_Check(template)) {
        PyErr_Format(PyExc_TypeError, "the route template must be a str, not %s", Py_TYPE(template)->tp_name);
        return NULL;
    }
    Py_XSETREF(self->route, Py_NewRef(template));
    uint32_t number = scope_runtime_route(template);
    SessionObject *session = runtime.session;
    uint32_t site = session && session->serial == self->serial ? scope_session_site(session, number) : 0;
    uint8_t bytes[600];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    if (!site)
        scope_put_text(&buffer, template, 512);
    scope_emit_payload(self, SCOPE_REQUEST_ROUTE, site, 1, 0, buffer.start, scope_buffer_size(&buffer));
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
    return hex_trace(self);
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
    return Py_NewRef(self->response_header ? self->response_header : Py_None);
}

static PyObject *request_repr(RequestObject *self)
{
    return PyUnicode_FromFormat("<scope.Request id=%R>", self->id);
}

static void request_dealloc(RequestObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->session);
    Py_XDECREF(self->id);
    Py_XDECREF(self->tracestate);
    Py_XDECREF(self->route);
    Py_XDECREF(self->response_header);
    Py_XDECREF(self->last_error);
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
    {"id", T_OBJECT, offsetof(RequestObject, id), READONLY, "The correlation id."},
    {"tracestate", T_OBJECT, offsetof(RequestObject, tracestate), READONLY, "The caller's tracestate, or None."},
    {"route", T_OBJECT, offsetof(RequestObject, route), READONLY, "The route's template, or None."},
    {"response_started", T_BOOL, offsetof(RequestObject, response_started), READONLY, "Whether a response began."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef request_getters[] = {
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
    key_type = PyUnicode_InternFromString("type");
    key_method = PyUnicode_InternFromString("method");
    key_path = PyUnicode_InternFromString("path");
    key_headers = PyUnicode_InternFromString("headers");
    key_scheme = PyUnicode_InternFromString("scheme");
    key_http_version = PyUnicode_InternFromString("http_version");
    key_client = PyUnicode_InternFromString("client");
    RequestType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &request_spec, NULL);
    if (!key_type || !key_method || !key_path || !key_headers || !key_scheme || !key_http_version || !key_client)
        return -1;
    if (!RequestType || PyModule_AddFunctions(module, request_functions) < 0)
        return -1;
    return PyModule_AddType(module, RequestType);
}
