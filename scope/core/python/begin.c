/* How a request begins: its ids, and what its first record tells. What a caller sends is checked in ../inbound.c. */
#include "../inbound.h"
#include "../redact.h"
#include "conditions.h"
#include "context.h"
#include "emit.h"
#include "loop.h"
#include "request.h"
#include "values.h"
#include "wait.h"


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

/* The trace id is the request's id where the caller gives none. */
static void use_trace_as_id(RequestObject *self)
{
    self->id_size = 2 * sizeof self->trace_id;
    scope_write_hex(self->id, self->trace_id, sizeof self->trace_id);
}

static void take_ids(RequestObject *self, const inbound *found)
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
    if (!found->id || !scope_valid_request_id(found->id, (size_t)found->id_size)) {
        use_trace_as_id(self);
        return;
    }
    self->flags |= SCOPE_FLAG_CALLERS_ID;
    self->id_size = (uint8_t)found->id_size;
    memcpy(self->id, found->id, (size_t)found->id_size);
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
    scope_put_utf8(&buffer, self->id, self->id_size);
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

RequestObject *scope_begin_request(PyObject *scope, PyObject *header_name, bool trusted)
{
    uint8_t kind = PyDict_Check(scope) ? kind_of(scope) : 0;
    SessionObject *session = kind && !is_suppressed() ? scope_ensure_session() : NULL;
    RequestObject *self = session ? new_request(session, kind) : NULL;
    if (!self) {
        PyErr_Clear();
        return NULL;
    }
    scope_session_steered(session);
    inbound found = {0};
    read_headers(&found, scope, header_name);
    if (!trusted)
        found.id = found.traceparent = found.tracestate = NULL;
    take_ids(self, &found);
    self->header_name = Py_NewRef(header_name);
    if (__builtin_expect(scope_conditions.count, 0))
        scope_conditions_begin(self, PyDict_GetItemWithError(scope, key_method), PyDict_GetItemWithError(scope, key_path));
    scope_thread_begins_exchange();
    begin_scope(self, scope, &found);
    PyErr_Clear();
    if (kind != SCOPE_KIND_LIFESPAN)
        scope_loop_enter(self, true);
    return self;
}

RequestObject *scope_begin_task(PyObject *name, PyObject *attributes)
{
    SessionObject *session = scope_ensure_session();
    RequestObject *self = session ? new_request(session, SCOPE_KIND_TASK) : NULL;
    if (!self) {
        PyErr_Clear();
        return NULL;
    }
    scope_session_steered(session);
    random_trace(self);
    use_trace_as_id(self);
    uint8_t bytes[BEGIN_BYTES];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    buffer.max_value_bytes = session->max_value_bytes;
    buffer.max_attributes = session->max_attributes;
    put_begin(&buffer, self);
    scope_put_text(&buffer, NULL, 0);
    scope_put_masked_text(&buffer, name, 512);
    scope_put_utf8(&buffer, self->id, self->id_size);
    scope_put_attributes(&buffer, attributes);
    emit_begin(self, &buffer);
    PyErr_Clear();
    scope_loop_enter(self, false);
    return self;
}

int scope_add_begin(void)
{
    key_type = PyUnicode_InternFromString("type");
    key_method = PyUnicode_InternFromString("method");
    key_path = PyUnicode_InternFromString("path");
    key_headers = PyUnicode_InternFromString("headers");
    key_scheme = PyUnicode_InternFromString("scheme");
    key_http_version = PyUnicode_InternFromString("http_version");
    key_client = PyUnicode_InternFromString("client");
    return key_type && key_method && key_path && key_headers && key_scheme && key_http_version && key_client ? 0 : -1;
}
