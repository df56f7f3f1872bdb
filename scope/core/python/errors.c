/* Exceptions that pass through spans: what kind of end they are, and the record of one. */
#include "context.h"
#include "emit.h"
#include "request.h"
#include "values.h"

#define EXCEPTION_BYTES 8192
#define MESSAGE_BYTES 1024
#define FRAMES_MAX 64

/* Whether a class in the exception's MRO has this name: asyncio's, anyio's and trio's need no import that way. */
static bool is_named(PyObject *error, const char *name)
{
    PyObject *mro = Py_TYPE(error)->tp_mro;
    for (Py_ssize_t index = 0; mro && index < PyTuple_GET_SIZE(mro); index++) {
        const char *full = ((PyTypeObject *)PyTuple_GET_ITEM(mro, index))->tp_name;
        const char *last = strrchr(full, '.');
        if (strcmp(last ? last + 1 : full, name) == 0)
            return true;
    }
    return false;
}

uint8_t scope_outcome_of(PyObject *error)
{
    if (!error || error == Py_None)
        return SCOPE_OUTCOME_OK;
    if (PyErr_GivenExceptionMatches(error, PyExc_StopIteration)
        || PyErr_GivenExceptionMatches(error, PyExc_StopAsyncIteration))
        return SCOPE_OUTCOME_OK;
    if (PyErr_GivenExceptionMatches(error, PyExc_GeneratorExit) || is_named(error, "CancelledError")
        || is_named(error, "Cancelled"))
        return SCOPE_OUTCOME_CANCELLED;
    /* what Starlette raises in a handler whose client has left */
    if (is_named(error, "WebSocketDisconnect") || is_named(error, "ClientDisconnect"))
        return SCOPE_OUTCOME_DISCONNECTED;
    return SCOPE_OUTCOME_EXCEPTION;
}

/* Whether this is the exception recorded last, on its way out through one more span. Its attributes' dict tells: every
 * exception has one of its own, it holds no frames, and while it is kept no other is at its address. */
static bool is_known(RequestObject *request, PyObject *error)
{
    PyObject *attributes = PyObject_GenericGetDict(error, NULL);
    bool known = attributes && request->last_error == attributes;
    if (known || request->ended)
        Py_XDECREF(attributes); /* kept after the end, it might keep the request alive that keeps it */
    else
        Py_XSETREF(request->last_error, attributes);
    PyErr_Clear();
    return known;
}

/* False, and nothing written, where it is no frame. */
static bool put_frame(scope_buffer *buffer, PyObject *frame)
{
    if (!PyTuple_Check(frame) || PyTuple_GET_SIZE(frame) != 4)
        return false;
    scope_put_text(buffer, PyTuple_GET_ITEM(frame, 0), 256);
    scope_put_text(buffer, PyTuple_GET_ITEM(frame, 1), 128);
    scope_put_u32(buffer, (uint32_t)PyLong_AsUnsignedLongMask(PyTuple_GET_ITEM(frame, 2)));
    scope_put_u8(buffer, PyTuple_GET_ITEM(frame, 3) == Py_True);
    return true;
}

/* As many frames as fit, whole. */
static void put_frames(scope_buffer *buffer, PyObject *frames)
{
    uint16_t count = 0;
    uint8_t *count_at = buffer->at;
    scope_put_bytes(buffer, &count, sizeof count);
    for (Py_ssize_t index = 0; PyList_Check(frames) && index < PyList_GET_SIZE(frames) && count < FRAMES_MAX; index++) {
        uint8_t *frame_at = buffer->at;
        bool put = put_frame(buffer, PyList_GET_ITEM(frames, index));
        if (buffer->overflow) {
            buffer->at = frame_at;
            break;
        }
        count += put;
    }
    memcpy(count_at, &count, sizeof count);
}

/* The first record of an exception has its frames, a repetition has not. */
static void emit_error(RequestObject *request, uint32_t span, PyObject *described, uint8_t flags)
{
    PyObject *type, *message, *frames;
    if (!PyArg_ParseTuple(described, "UUO", &type, &message, &frames))
        return;
    uint8_t bytes[EXCEPTION_BYTES];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    scope_put_u8(&buffer, flags);
    scope_put_u8(&buffer, 0);
    scope_put_text(&buffer, type, 256);
    scope_put_masked_text(&buffer, message, MESSAGE_BYTES);
    put_frames(&buffer, flags & SCOPE_ERROR_REPEATED ? Py_None : frames);
    scope_emit_payload(request, SCOPE_EXCEPTION, 0, span, 0, bytes, scope_buffer_size(&buffer));
}

/* An exception is recorded where it first leaves a span, and once more, briefly, where it ends the request. */
void scope_record_error(RequestObject *request, uint32_t span, PyObject *error, bool escaped)
{
    if (!PyExceptionInstance_Check(error) || !runtime.describe)
        return;
    bool known = is_known(request, error);
    if (known && span != 1)
        return;
    PyObject *described = PyObject_CallOneArg(runtime.describe, error);
    /* Ctrl-C that arrives while an exception says what it is must not be lost with the rest */
    if (!described && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt))
        PyErr_SetInterrupt();
    if (described)
        emit_error(request, span, described, (escaped ? SCOPE_ERROR_ESCAPED : 0) | (known ? SCOPE_ERROR_REPEATED : 0));
    Py_XDECREF(described);
    PyErr_Clear();
}

PyObject *scope_record_handled(PyObject *module, PyObject *error)
{
    (void)module;
    ContextObject *context = scope_context();
    if (context && context->request && scope_outcome_of(error) == SCOPE_OUTCOME_EXCEPTION)
        scope_record_error(context->request, context->span, error, false);
    Py_XDECREF(context);
    Py_RETURN_NONE;
}
