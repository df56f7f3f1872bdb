/* What stands between an ASGI server and an application: send and receive, counted and timed.
 *
 * Order and content pass unchanged, except that the correlation header is added to the response's start (in a copy: the
 * application's own message and list of headers stay as they are). A message that is the last byte, or one received, is
 * recorded when the server's awaitable has ended, so a slow client's time counts.
 */

#include "awaiting.h"
#include "emit.h"
#include "request.h"
#include "values.h"

static PyObject *key_type, *key_status, *key_headers, *key_body, *key_more_body, *key_bytes, *key_text;
static PyTypeObject *SendType, *ReceiveType, *StepType;

typedef struct {
    PyObject_HEAD
    RequestObject *request;
    PyObject *inner; /* the server's callable */
    vectorcallfunc vectorcall;
} WrapObject;

/* One call of send or receive, awaited. */
typedef struct {
    AwaitingObject awaiting;
    RequestObject *request;
} StepObject;

static PyObject *new_step(RequestObject *request, PyObject *awaitable, const scope_awaiting_kind *kind)
{
    PyObject *inner = scope_awaited(awaitable);
    StepObject *self = inner ? PyObject_GC_New(StepObject, StepType) : NULL;
    if (!self) {
        Py_XDECREF(inner);
        return NULL;
    }
    scope_awaiting_init(&self->awaiting, kind, inner);
    self->request = (RequestObject *)Py_NewRef((PyObject *)request);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int step_traverse(StepObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->awaiting.inner);
    return 0;
}

static void step_dealloc(StepObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (!scope_awaiting_finish(&self->awaiting))
        return;
    Py_XDECREF(self->awaiting.inner);
    Py_DECREF(self->request);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyType_Slot step_slots[] = {
    {Py_tp_doc, "One call of send or receive, awaited."},
    {Py_tp_dealloc, step_dealloc},
    {Py_tp_traverse, step_traverse},
    {0, NULL},
};

/* ---- reading messages; whatever is odd in them is passed over ---- */

static PyObject *item(PyObject *message, PyObject *key)
{
    return PyDict_GetItemWithError(message, key);
}

static uint64_t size_of(PyObject *value)
{
    if (!value)
        return 0;
    if (PyBytes_Check(value))
        return (uint64_t)PyBytes_GET_SIZE(value);
    if (PyUnicode_Check(value))
        return scope_utf8_size(value);
    if (PyByteArray_Check(value))
        return (uint64_t)PyByteArray_GET_SIZE(value);
    return PyMemoryView_Check(value) ? (uint64_t)PyMemoryView_GET_BUFFER(value)->len : 0;
}

static bool is_type(PyObject *type, const char *wanted, Py_ssize_t size)
{
    return PyUnicode_GET_LENGTH(type) == size && memcmp(PyUnicode_DATA(type), wanted, (size_t)size) == 0;
}

#define IS(type, literal) is_type(type, literal, sizeof literal - 1)

static PyObject *type_of(PyObject *message)
{
    PyObject *type = PyDict_Check(message) ? item(message, key_type) : NULL;
    return type && PyUnicode_Check(type) && PyUnicode_IS_ASCII(type) ? type : NULL;
}

/* ---- send ---- */

static void emit_status(RequestObject *request, uint32_t status)
{
    uint32_t payload[2] = {status, 0};
    request->response_started = true;
    scope_emit_payload(request, SCOPE_RESPONSE_START, 0, 1, 0, payload, sizeof payload);
}

static void emit_last_byte(RequestObject *request)
{
    uint64_t payload[2] = {request->bytes_out, request->messages_out};
    if (request->response_ended)
        return;
    request->response_ended = true;
    scope_emit_payload(request, SCOPE_RESPONSE_END, 0, 1, 0, payload, sizeof payload);
}

static bool has_header(PyObject *headers, PyObject *name)
{
    for (Py_ssize_t index = 0; index < PyList_GET_SIZE(headers); index++) {
        PyObject *pair = PyList_GET_ITEM(headers, index);
        if (!(PyTuple_Check(pair) || PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) < 1)
            continue;
        PyObject *found = PySequence_Fast_GET_ITEM(pair, 0);
        if (PyBytes_Check(found) && PyBytes_GET_SIZE(found) == PyBytes_GET_SIZE(name)
            && PyOS_strnicmp(PyBytes_AS_STRING(found), PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)) == 0)
            return true;
    }
    return false;
}

/* A copy of `message` whose headers end with ours; `message` itself where it has that header, or on any fault. */
static PyObject *with_header(RequestObject *request, PyObject *message)
{
    PyObject *headers = item(message, key_headers);
    PyObject *list = headers && headers != Py_None ? PySequence_List(headers) : PyList_New(0);
    PyObject *copy = NULL;
    /* an iterator of headers was used up by listing it, so the copy is needed then even without our header */
    PyObject *header = list && !has_header(list, request->header_name) ? scope_response_header(request) : NULL;
    if (list && (!header || PyList_Append(list, header) == 0))
        copy = PyDict_Copy(message);
    if (copy && PyDict_SetItem(copy, key_headers, list) < 0)
        Py_CLEAR(copy);
    Py_XDECREF(list);
    PyErr_Clear();
    return copy ? copy : Py_NewRef(message);
}

static uint32_t status_of(PyObject *message, uint32_t otherwise)
{
    PyObject *status = item(message, key_status);
    long value = status && PyLong_Check(status) ? PyLong_AsLong(status) : -1;
    PyErr_Clear();
    return value > 0 && value < 1000 ? (uint32_t)value : otherwise;
}

static bool is_true(PyObject *value)
{
    return value == Py_True;
}

/* A connection may be the only request of its process for hours. */
static void look_whether_steered(void)
{
    if (runtime.session)
        scope_session_steered(runtime.session);
}

/* Takes note of a message that goes out. `*last`: it ends the response. A new reference to what is to be sent. */
static PyObject *outgoing(RequestObject *request, PyObject *message, bool *last)
{
    PyObject *type = type_of(message);
    if (!type)
        return Py_NewRef(message);
    if (IS(type, "http.response.start") || IS(type, "websocket.http.response.start")) {
        emit_status(request, status_of(message, 0));
        return with_header(request, message);
    }
    if (IS(type, "http.response.body") || IS(type, "websocket.http.response.body")) {
        request->messages_out++;
        request->bytes_out += size_of(item(message, key_body));
        *last = !is_true(item(message, key_more_body));
    } else if (IS(type, "http.response.pathsend") || IS(type, "http.response.zerocopysend"))
        *last = !is_true(item(message, key_more_body));
    else if (IS(type, "websocket.accept")) {
        emit_status(request, 101);
        return with_header(request, message);
    } else if (IS(type, "websocket.send")) {
        request->messages_out++;
        request->bytes_out += size_of(item(message, key_bytes)) + size_of(item(message, key_text));
    } else if (IS(type, "websocket.close") && !request->response_started)
        emit_status(request, 403);
    return Py_NewRef(message);
}

static void last_byte_sent(AwaitingObject *self, PyObject *value)
{
    (void)value;
    emit_last_byte(((StepObject *)self)->request);
}

static const scope_awaiting_kind sending_last = {.ended = last_byte_sent};

static PyObject *send_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    WrapObject *self = (WrapObject *)callable;
    if (PyVectorcall_NARGS(flags) != 1 || names)
        return PyObject_Vectorcall(self->inner, args, flags, names);
    bool last = false;
    look_whether_steered();
    PyObject *message = outgoing(self->request, args[0], &last);
    PyErr_Clear();
    PyObject *awaitable = PyObject_CallOneArg(self->inner, message);
    Py_DECREF(message);
    if (!awaitable || !last)
        return awaitable;
    PyObject *step = new_step(self->request, awaitable, &sending_last);
    Py_DECREF(awaitable);
    return step;
}

/* ---- receive ---- */

static void incoming(RequestObject *request, PyObject *message)
{
    PyObject *type = type_of(message);
    if (!type)
        return;
    if (IS(type, "http.request")) {
        request->messages_in++;
        request->bytes_in += size_of(item(message, key_body));
    } else if (IS(type, "websocket.receive")) {
        request->messages_in++;
        request->bytes_in += size_of(item(message, key_bytes)) + size_of(item(message, key_text));
    } else if ((IS(type, "http.disconnect") && !request->response_ended) || IS(type, "websocket.disconnect")) {
        bool known = request->disconnected;
        request->disconnected = true;
        if (!known)
            scope_emit(request, SCOPE_DISCONNECT, 0, 1, 0);
    } else if (IS(type, "lifespan.shutdown"))
        scope_emit_of_process(scope_event_now(), SCOPE_SHUTDOWN, 0, NULL, 0);
}

static void received(AwaitingObject *self, PyObject *message)
{
    look_whether_steered();
    incoming(((StepObject *)self)->request, message);
}

static const scope_awaiting_kind receiving = {.ended = received};

static PyObject *receive_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    WrapObject *self = (WrapObject *)callable;
    PyObject *awaitable = PyObject_Vectorcall(self->inner, args, flags, names);
    if (!awaitable)
        return NULL;
    PyObject *step = new_step(self->request, awaitable, &receiving);
    Py_DECREF(awaitable);
    return step;
}

/* ---- the two wrappers ---- */

static int wrap_traverse(WrapObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->inner);
    return 0;
}

static void wrap_dealloc(WrapObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_DECREF(self->inner);
    Py_DECREF(self->request);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *wrap(PyTypeObject *type, vectorcallfunc call, RequestObject *request, PyObject *inner)
{
    WrapObject *self = PyObject_GC_New(WrapObject, type);
    if (!self)
        return NULL;
    self->request = (RequestObject *)Py_NewRef((PyObject *)request);
    self->inner = Py_NewRef(inner);
    self->vectorcall = call;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

PyObject *scope_wrap_send(RequestObject *request, PyObject *send)
{
    if (request->header_name)
        return wrap(SendType, send_call, request, send);
    PyErr_SetString(PyExc_TypeError, "a task has no response to send");
    return NULL;
}

PyObject *scope_wrap_receive(RequestObject *request, PyObject *receive)
{
    return wrap(ReceiveType, receive_call, request, receive);
}

static PyMemberDef wrap_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(WrapObject, vectorcall), READONLY, NULL},
    {"__wrapped__", T_OBJECT, offsetof(WrapObject, inner), READONLY, "The server's own callable."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot wrap_slots[] = {
    {Py_tp_doc, "A server's send or receive, with what passes recorded."},
    {Py_tp_dealloc, wrap_dealloc},
    {Py_tp_traverse, wrap_traverse},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, wrap_members},
    {0, NULL},
};

#define WRAP_FLAGS                                                                                                  \
    (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE              \
     | Py_TPFLAGS_DISALLOW_INSTANTIATION)

static PyType_Spec send_spec = {
    .name = "scope._core.Send", .basicsize = sizeof(WrapObject), .flags = WRAP_FLAGS, .slots = wrap_slots};
static PyType_Spec receive_spec = {
    .name = "scope._core.Receive", .basicsize = sizeof(WrapObject), .flags = WRAP_FLAGS, .slots = wrap_slots};

int scope_add_asgi(PyObject *module)
{
    key_type = PyUnicode_InternFromString("type");
    key_status = PyUnicode_InternFromString("status");
    key_headers = PyUnicode_InternFromString("headers");
    key_body = PyUnicode_InternFromString("body");
    key_more_body = PyUnicode_InternFromString("more_body");
    key_bytes = PyUnicode_InternFromString("bytes");
    key_text = PyUnicode_InternFromString("text");
    if (!key_type || !key_status || !key_headers || !key_body || !key_more_body || !key_bytes || !key_text)
        return -1;
    StepType = scope_awaiting_type(module, "scope._core.Step", sizeof(StepObject), step_slots);
    SendType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &send_spec, NULL);
    ReceiveType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &receive_spec, NULL);
    return StepType && SendType && ReceiveType ? 0 : -1;
}
