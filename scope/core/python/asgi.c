/* What stands between an ASGI server and an application: send and receive, counted and timed.
 *
 * Order and content pass unchanged, except that the correlation header is added to the response's start (in a copy: the
 * application's own message and list of headers stay as they are). A message that is the last byte, or one received, is
 * recorded when the server's awaitable has ended, so a slow client's time counts.
 */

#include "emit.h"
#include "request.h"
#include "values.h"

static PyObject *key_type, *key_status, *key_headers, *key_body, *key_more_body, *key_bytes, *key_text;
static PyTypeObject *SendType, *ReceiveType, *StepType;

/* What both kinds of object here begin with. */
typedef struct {
    PyObject_HEAD
    RequestObject *request;
    PyObject *inner;
} HeldObject;

typedef struct {
    HeldObject held;
    vectorcallfunc vectorcall;
} WrapObject;

enum step_mode { STEP_RECEIVE, STEP_LAST_BYTE };

/* An awaitable around the server's own, which takes note when that has ended. */
typedef struct {
    HeldObject held; /* inner: an iterator, what `await` would drive */
    uint8_t mode;
} StepObject;

static int held_traverse(HeldObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->inner);
    return 0;
}

static void held_dealloc(HeldObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->inner);
    Py_XDECREF(self->request);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *awaited(PyObject *awaitable)
{
    if (PyCoro_CheckExact(awaitable))
        return Py_NewRef(awaitable);
    unaryfunc await = Py_TYPE(awaitable)->tp_as_async ? Py_TYPE(awaitable)->tp_as_async->am_await : NULL;
    if (await)
        return await(awaitable);
    PyErr_Format(PyExc_TypeError, "object %.100s can't be used in 'await' expression", Py_TYPE(awaitable)->tp_name);
    return NULL;
}

static PyObject *new_step(RequestObject *request, PyObject *awaitable, enum step_mode mode)
{
    PyObject *inner = awaited(awaitable);
    StepObject *self = inner ? PyObject_GC_New(StepObject, StepType) : NULL;
    if (!self) {
        Py_XDECREF(inner);
        return NULL;
    }
    self->held.request = (RequestObject *)Py_NewRef((PyObject *)request);
    self->held.inner = inner;
    self->mode = (uint8_t)mode;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

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
    if (list && (has_header(list, PyTuple_GET_ITEM(request->response_header, 0))
                 || PyList_Append(list, request->response_header) == 0))
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

static PyObject *send_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    WrapObject *self = (WrapObject *)callable;
    if (PyVectorcall_NARGS(flags) != 1 || names)
        return PyObject_Vectorcall(self->held.inner, args, flags, names);
    bool last = false;
    PyObject *message = outgoing(self->held.request, args[0], &last);
    PyErr_Clear();
    PyObject *awaitable = PyObject_CallOneArg(self->held.inner, message);
    Py_DECREF(message);
    if (!awaitable || !last)
        return awaitable;
    PyObject *step = new_step(self->held.request, awaitable, STEP_LAST_BYTE);
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
        if (!request->disconnected)
            scope_emit(request, SCOPE_DISCONNECT, 0, 1, 0);
        request->disconnected = true;
    }
}

static PyObject *receive_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    WrapObject *self = (WrapObject *)callable;
    PyObject *awaitable = PyObject_Vectorcall(self->held.inner, args, flags, names);
    if (!awaitable)
        return NULL;
    PyObject *step = new_step(self->held.request, awaitable, STEP_RECEIVE);
    Py_DECREF(awaitable);
    return step;
}

/* ---- the awaitable ---- */

static void step_ended(StepObject *self, PyObject *value)
{
    if (self->mode == STEP_RECEIVE)
        incoming(self->held.request, value);
    else
        emit_last_byte(self->held.request);
    PyErr_Clear();
}

static PySendResult step_am_send(StepObject *self, PyObject *value, PyObject **result)
{
    PySendResult state = PyIter_Send(self->held.inner, value, result);
    if (state == PYGEN_RETURN)
        step_ended(self, *result);
    return state;
}

/* What a generator's method gives back for a PySendResult. */
static PyObject *as_method_result(PySendResult state, PyObject *result)
{
    if (state == PYGEN_NEXT)
        return result;
    if (state == PYGEN_RETURN) {
        PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, result);
        if (stop)
            PyErr_SetObject(PyExc_StopIteration, stop);
        Py_XDECREF(stop);
        Py_DECREF(result);
    }
    return NULL;
}

static PyObject *step_send(StepObject *self, PyObject *value)
{
    PyObject *result = NULL;
    PySendResult state = step_am_send(self, value, &result);
    return as_method_result(state, result);
}

static PyObject *step_next(StepObject *self)
{
    return step_send(self, Py_None);
}

/* The result of a call into the inner awaitable, which may have ended it with StopIteration. */
static PyObject *step_forward(StepObject *self, const char *method, PyObject *args)
{
    PyObject *bound = PyObject_GetAttrString(self->held.inner, method);
    PyObject *result = bound ? PyObject_CallObject(bound, args) : NULL;
    Py_XDECREF(bound);
    if (!result && PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PyObject *returned = value ? PyObject_GetAttrString(value, "value") : NULL;
        step_ended(self, returned ? returned : Py_None);
        Py_XDECREF(returned);
        PyErr_Restore(type, value, traceback);
    }
    return result;
}

static PyObject *step_throw(StepObject *self, PyObject *args)
{
    return step_forward(self, "throw", args);
}

static PyObject *step_close(StepObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *close = PyObject_GetAttrString(self->held.inner, "close");
    if (!close) {
        PyErr_Clear(); /* an iterator without close() has nothing to close */
        Py_RETURN_NONE;
    }
    PyObject *result = PyObject_CallNoArgs(close);
    Py_DECREF(close);
    return result;
}

/* What it lacks is the inner awaitable's: tools ask a task's coroutine for its state, its frame and its code. */
static PyObject *step_getattr(PyObject *self, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(self, name);
    if (value || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return PyObject_GetAttr(((StepObject *)self)->held.inner, name);
}

static PyMethodDef step_methods[] = {
    {"send", (PyCFunction)step_send, METH_O, "Resume with a value."},
    {"throw", (PyCFunction)step_throw, METH_VARARGS, "Resume with an exception."},
    {"close", (PyCFunction)step_close, METH_NOARGS, "Close the inner awaitable."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot step_slots[] = {
    {Py_tp_doc, "One call of send or receive, awaited."},
    {Py_tp_dealloc, held_dealloc},
    {Py_tp_traverse, held_traverse},
    {Py_tp_getattro, step_getattr},
    {Py_tp_methods, step_methods},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, step_next},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, step_am_send},
    {0, NULL},
};

static PyType_Spec step_spec = {
    .name = "scope._core.Step",
    .basicsize = sizeof(StepObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = step_slots,
};

PyObject *scope_awaited_inside(PyObject *awaitable)
{
    return Py_IS_TYPE(awaitable, StepType) ? Py_NewRef(((StepObject *)awaitable)->held.inner) : NULL;
}

/* ---- the two wrappers ---- */

static PyObject *wrap(PyTypeObject *type, vectorcallfunc call, RequestObject *request, PyObject *inner)
{
    WrapObject *self = PyObject_GC_New(WrapObject, type);
    if (!self)
        return NULL;
    self->held.request = (RequestObject *)Py_NewRef((PyObject *)request);
    self->held.inner = Py_NewRef(inner);
    self->vectorcall = call;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

PyObject *scope_wrap_send(RequestObject *request, PyObject *send)
{
    if (request->response_header)
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
    {"__wrapped__", T_OBJECT, offsetof(WrapObject, held.inner), READONLY, "The server's own callable."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot wrap_slots[] = {
    {Py_tp_doc, "A server's send or receive, with what passes recorded."},
    {Py_tp_dealloc, held_dealloc},
    {Py_tp_traverse, held_traverse},
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
    StepType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &step_spec, NULL);
    SendType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &send_spec, NULL);
    ReceiveType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &receive_spec, NULL);
    return StepType && SendType && ReceiveType ? 0 : -1;
}
