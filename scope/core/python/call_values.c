/* Records of the values of a call: call_values.h. */
#include "call_values.h"

#include "../redact.h"
#include "emit.h"
#include "values.h"

#define CALL_BYTES_MAX 12288
#define VALUES_PER_CALL 256
#define LOCALS_LOOKED_AT 64
#define SPARE_BYTES (SCOPE_REDACT_SLACK + 16)
#define NAME_BYTES 128

static struct {
    uint32_t value_bytes; /* of one argument, result or local variable */
    uint32_t call_bytes; /* of all arguments, or all local variables */
} limits = {1024, 4096};

/* A record under way. The bytes behind the buffer's end are for text before its secrets are masked. */
typedef struct {
    uint8_t bytes[CALL_BYTES_MAX + SPARE_BYTES];
    scope_buffer buffer;
    uint8_t *left_out_at, *count_at;
    uint16_t count, left_out;
} values_record;

static void begin(values_record *record, const RequestObject *request, enum scope_values what, uint32_t line)
{
    scope_buffer *buffer = &record->buffer;
    *buffer = scope_buffer_over(record->bytes, limits.call_bytes);
    buffer->max_value_bytes = request->session->max_value_bytes;
    buffer->deep = true;
    buffer->values_left = VALUES_PER_CALL;
    buffer->spare = SPARE_BYTES;
    record->count = record->left_out = 0;
    scope_put_u8(buffer, (uint8_t)what);
    scope_put_u8(buffer, 0);
    record->left_out_at = buffer->at;
    scope_put_u16(buffer, 0);
    scope_put_u32(buffer, line);
    record->count_at = buffer->at;
    scope_put_u16(buffer, 0);
}

/* A value of its own limit; where even its beginning does not fit, its type. */
static void put(values_record *record, PyObject *name, PyObject *value, bool is_secret)
{
    scope_buffer *buffer = &record->buffer;
    uint8_t *at = buffer->at, *end = buffer->end;
    scope_put_text(buffer, name, NAME_BYTES);
    uint8_t *value_at = buffer->at;
    if (!buffer->overflow && (size_t)(end - value_at) > limits.value_bytes)
        buffer->end = value_at + limits.value_bytes;
    if (is_secret)
        scope_put_redacted(buffer);
    else
        scope_put_value(buffer, value, 0);
    buffer->end = end;
    if (buffer->overflow && value_at < end) {
        buffer->at = value_at;
        buffer->overflow = false;
        scope_put_type(buffer, value);
    }
    record->count += !buffer->overflow;
    record->left_out += buffer->overflow;
    if (buffer->overflow)
        buffer->at = at;
    buffer->overflow = false;
}

static void finish(values_record *record, const RequestObject *request, uint32_t span)
{
    memcpy(record->left_out_at, &record->left_out, sizeof record->left_out);
    memcpy(record->count_at, &record->count, sizeof record->count);
    scope_emit_payload(request, SCOPE_VALUES, 0, span, 0, record->bytes, scope_buffer_size(&record->buffer));
}

void scope_record_arguments(const RequestObject *request, uint32_t span, PyObject *names, PyObject *const *values,
                            Py_ssize_t count)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    values_record record;
    begin(&record, request, SCOPE_VALUES_ARGUMENTS, 0);
    for (Py_ssize_t index = 0; index < count && index < PyTuple_GET_SIZE(names); index++) {
        PyObject *name = PyTuple_GET_ITEM(names, index);
        put(&record, name, values[index], scope_is_secret(name));
    }
    finish(&record, request, span);
    PyErr_Restore(type, error, traceback);
}

/* The last part of a dotted name; a new reference, or NULL (no exception set). */
static PyObject *last_part(PyObject *name)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(name), dot = PyUnicode_FindChar(name, '.', 0, length, -1);
    PyObject *last = PyUnicode_Substring(name, dot + 1, length);
    PyErr_Clear();
    return last;
}

static bool names_secret(PyObject *function)
{
    PyObject *last = last_part(function);
    bool is_secret = !last || scope_is_secret(last);
    Py_XDECREF(last);
    return is_secret;
}

void scope_record_result(const RequestObject *request, uint32_t span, enum scope_values what, PyObject *name,
                         PyObject *value)
{
    static PyObject *nameless;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    if (!nameless)
        nameless = PyUnicode_FromString("");
    values_record record;
    begin(&record, request, what, 0);
    put(&record, nameless, value, names_secret(name));
    finish(&record, request, span);
    PyErr_Clear();
    PyErr_Restore(type, error, traceback);
}

void scope_record_locals(const RequestObject *request, uint32_t span, enum scope_values what, uint32_t line)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *names[LOCALS_LOOKED_AT], *values[LOCALS_LOOKED_AT];
    Py_ssize_t all = scope_frame_locals(names, values, LOCALS_LOOKED_AT);
    Py_ssize_t count = all < LOCALS_LOOKED_AT ? all : LOCALS_LOOKED_AT;
    values_record record;
    begin(&record, request, what, line);
    record.left_out = (uint16_t)(all - count);
    for (Py_ssize_t index = 0; index < count; index++) {
        put(&record, names[index], values[index], scope_is_secret(names[index]));
        Py_DECREF(names[index]);
        Py_DECREF(values[index]);
    }
    finish(&record, request, span);
    PyErr_Restore(type, error, traceback);
}

PyObject *scope_set_value_limits(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned int value_bytes, call_bytes;
    if (!PyArg_ParseTuple(args, "II:set_value_limits", &value_bytes, &call_bytes))
        return NULL;
    if (value_bytes < 64 || call_bytes < 256 || call_bytes > CALL_BYTES_MAX) {
        PyErr_Format(PyExc_ValueError, "set_value_limits(%u, %u): at least 64 and 256 bytes, at most %d", value_bytes,
                     call_bytes, CALL_BYTES_MAX);
        return NULL;
    }
    limits.value_bytes = value_bytes;
    limits.call_bytes = call_bytes;
    Py_RETURN_NONE;
}
