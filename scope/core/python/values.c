/* Values to bytes. Exact built-in types and their subclasses are read through the C API, which runs no code of theirs. */
#include "values.h"

#include "../redact.h"
#include "runtime.h"

#define MAX_DEPTH 4
#define MAX_ITEMS 32
#define MAX_INT_BITS 2048

enum tag {
    TAG_NULL,
    TAG_FALSE,
    TAG_TRUE,
    TAG_INT,
    TAG_FLOAT,
    TAG_TEXT,
    TAG_BYTES,
    TAG_LIST,
    TAG_CUT,
    TAG_REDACTED,
    TAG_OBJECT,
    TAG_MAP,
    TAG_BIG_INT,
};

void scope_put_bytes(scope_buffer *buffer, const void *bytes, size_t size)
{
    if (buffer->overflow || (size_t)(buffer->end - buffer->at) < size) {
        buffer->overflow = true;
        return;
    }
    memcpy(buffer->at, bytes, size);
    buffer->at += size;
}

void scope_put_u8(scope_buffer *buffer, uint8_t value)
{
    scope_put_bytes(buffer, &value, sizeof value);
}

static void put_u16(scope_buffer *buffer, uint16_t value)
{
    scope_put_bytes(buffer, &value, sizeof value);
}

void scope_put_u32(scope_buffer *buffer, uint32_t value)
{
    scope_put_bytes(buffer, &value, sizeof value);
}

uint64_t scope_utf8_size(PyObject *text)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    uint64_t size = (uint64_t)length;
    if (PyUnicode_IS_ASCII(text))
        return size;
    int kind = PyUnicode_KIND(text);
    const void *characters = PyUnicode_DATA(text);
    for (Py_ssize_t index = 0; index < length; index++) {
        Py_UCS4 character = PyUnicode_READ(kind, characters, index);
        size += (character >= 0x80) + (character >= 0x800) + (character >= 0x10000);
    }
    return size;
}

/* The longest prefix of at most `max` bytes that ends between characters. */
static size_t cut_utf8(const char *text, size_t size, size_t max)
{
    if (size <= max)
        return size;
    while (max > 0 && ((uint8_t)text[max] & 0xC0) == 0x80)
        max--;
    return max;
}

void scope_put_utf8(scope_buffer *buffer, const char *text, size_t size)
{
    size_t kept = cut_utf8(text, size, UINT16_MAX);
    put_u16(buffer, (uint16_t)kept);
    scope_put_bytes(buffer, text, kept);
}

/* UTF-8 of at most the first `max` characters. `*owner` keeps it alive and is released by the caller. A long or foreign
 * string is sliced first, so that nothing large is encoded nor left cached in the application's object. */
static const char *utf8_of(PyObject *text, Py_ssize_t max, Py_ssize_t *size, PyObject **owner)
{
    *owner = NULL;
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        *size = PyUnicode_GET_LENGTH(text) < max ? PyUnicode_GET_LENGTH(text) : max;
        return (const char *)PyUnicode_DATA(text);
    }
    PyObject *slice = PyUnicode_Substring(text, 0, max);
    if (slice)
        *owner = PyUnicode_AsEncodedString(slice, "utf-8", "backslashreplace");
    Py_XDECREF(slice);
    if (!*owner) {
        PyErr_Clear();
        *size = 0;
        return "";
    }
    *size = PyBytes_GET_SIZE(*owner);
    return PyBytes_AS_STRING(*owner);
}

/* A secret that the cut goes through shows its shape only whole, so some bytes behind the cut are looked at, too. */
static void put_text(scope_buffer *buffer, PyObject *text, uint32_t max_bytes, bool mask)
{
    if (!text || !PyUnicode_Check(text)) {
        put_u16(buffer, 0);
        return;
    }
    Py_ssize_t size;
    PyObject *owner;
    uint32_t seen_bytes = mask ? max_bytes + SCOPE_REDACT_SLACK : max_bytes;
    const char *utf8 = utf8_of(text, seen_bytes, &size, &owner);
    uint8_t *length_at = buffer->at;
    scope_put_utf8(buffer, utf8, cut_utf8(utf8, (size_t)size, seen_bytes));
    Py_XDECREF(owner);
    if (!mask || buffer->overflow)
        return;
    size_t seen = (size_t)(buffer->at - length_at - 2);
    uint16_t kept = (uint16_t)scope_redact_and_cut((char *)length_at + 2, seen, max_bytes);
    memcpy(length_at, &kept, sizeof kept);
    buffer->at = length_at + 2 + kept;
}

void scope_put_text(scope_buffer *buffer, PyObject *text, uint32_t max_bytes)
{
    put_text(buffer, text, max_bytes, false);
}

void scope_put_masked_text(scope_buffer *buffer, PyObject *text, uint32_t max_bytes)
{
    put_text(buffer, text, max_bytes, true);
}

static void put_string_value(scope_buffer *buffer, PyObject *value)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(value);
    bool cut = length > (Py_ssize_t)buffer->max_value_bytes || scope_utf8_size(value) > buffer->max_value_bytes;
    scope_put_u8(buffer, cut ? TAG_CUT : TAG_TEXT);
    if (cut)
        scope_put_u32(buffer, length < UINT32_MAX ? (uint32_t)length : UINT32_MAX);
    put_text(buffer, value, buffer->max_value_bytes, true);
}

static void put_object(scope_buffer *buffer, PyObject *value)
{
    const char *name = Py_TYPE(value)->tp_name;
    scope_put_u8(buffer, TAG_OBJECT);
    scope_put_utf8(buffer, name, strnlen(name, 128));
}

/* The decimal digits of an integer beyond 64 bits; a huge one, whose conversion is slow, by its type only. */
static void put_big_int(scope_buffer *buffer, PyObject *value)
{
    PyObject *bits = PyObject_CallMethod((PyObject *)&PyLong_Type, "bit_length", "O", value);
    long count = bits ? PyLong_AsLong(bits) : -1;
    Py_XDECREF(bits);
    PyObject *digits = count > 0 && count <= MAX_INT_BITS ? PyLong_Type.tp_repr(value) : NULL;
    PyErr_Clear();
    if (!digits) {
        put_object(buffer, value);
        return;
    }
    scope_put_u8(buffer, TAG_BIG_INT);
    put_text(buffer, digits, 1024, false);
    Py_DECREF(digits);
}

static void put_int(scope_buffer *buffer, PyObject *value)
{
    int overflow;
    int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) {
        put_big_int(buffer, value);
        return;
    }
    scope_put_u8(buffer, TAG_INT);
    scope_put_bytes(buffer, &number, sizeof number);
}

static void put_byte_string(scope_buffer *buffer, PyObject *value)
{
    size_t size = (size_t)PyBytes_GET_SIZE(value);
    size_t seen_bytes = buffer->max_value_bytes + SCOPE_REDACT_SLACK;
    size_t seen = size < seen_bytes ? size : seen_bytes;
    scope_put_u8(buffer, TAG_BYTES);
    put_u16(buffer, 0);
    uint8_t *copied = buffer->at;
    scope_put_bytes(buffer, PyBytes_AS_STRING(value), seen);
    if (buffer->overflow)
        return;
    uint16_t kept = (uint16_t)scope_redact_and_cut((char *)copied, seen, buffer->max_value_bytes);
    memcpy(copied - sizeof kept, &kept, sizeof kept);
    buffer->at = copied + kept;
}

static bool is_secret(PyObject *name)
{
    Py_ssize_t size;
    PyObject *owner;
    const char *utf8 = utf8_of(name, 128, &size, &owner);
    bool secret = scope_secret_name(utf8, (size_t)size);
    Py_XDECREF(owner);
    if (secret || !runtime.is_secret_name)
        return secret;
    PyObject *answer = PyObject_CallOneArg(runtime.is_secret_name, name);
    secret = answer ? PyObject_IsTrue(answer) == 1 : true;
    Py_XDECREF(answer);
    PyErr_Clear();
    return secret;
}

/* Whether it is uuid.UUID, which is written in Python: the name of its type does not tell its module. */
static bool is_uuid(PyTypeObject *type)
{
    PyObject *module = strcmp(type->tp_name, "UUID") == 0 ? PyDict_GetItemString(type->tp_dict, "__module__") : NULL;
    return module && PyUnicode_Check(module) && PyUnicode_CompareWithASCIIString(module, "uuid") == 0;
}

/* Types of the standard library whose str() is what people want to see. */
static bool is_plain_type(PyTypeObject *type)
{
    static const char *const known[] = {"decimal.Decimal", "datetime.datetime", "datetime.date", "datetime.time",
                                        "datetime.timedelta"};
    for (size_t index = 0; index < sizeof known / sizeof *known; index++)
        if (strcmp(type->tp_name, known[index]) == 0)
            return true;
    return is_uuid(type);
}

static void put_value(scope_buffer *buffer, PyObject *value, int depth);

static void put_items(scope_buffer *buffer, PyObject *value, int depth)
{
    uint8_t count = 0;
    scope_put_u8(buffer, TAG_LIST);
    uint8_t *count_at = buffer->at;
    scope_put_u8(buffer, count);
    /* the application, asked whether a name is secret, may change the list */
    while (count < MAX_ITEMS && count < PySequence_Fast_GET_SIZE(value) && !buffer->overflow) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(value, count++));
        put_value(buffer, item, depth + 1);
        Py_DECREF(item);
    }
    if (!buffer->overflow)
        *count_at = count;
}

static void put_pair(scope_buffer *buffer, PyObject *name, PyObject *value, int depth)
{
    put_text(buffer, name, 128, false);
    if (is_secret(name))
        scope_put_u8(buffer, TAG_REDACTED);
    else
        put_value(buffer, value, depth);
}

/* In place of a pair that does not fit, the name and the value's type; false where that does not fit either. Within another
 * value nothing is put, for that one does not fit then. */
static bool put_type_instead(scope_buffer *buffer, uint8_t *pair_at, PyObject *name, PyObject *value, int depth)
{
    buffer->at = pair_at;
    if (depth > 1)
        return false;
    buffer->overflow = false;
    put_text(buffer, name, 128, false);
    put_object(buffer, value);
    if (buffer->overflow)
        buffer->at = pair_at;
    return !buffer->overflow;
}

/* Pairs with str keys, as many as fit, behind a count of `count_bytes`; a pair that does not fit whole is left out. */
static void put_pairs(scope_buffer *buffer, PyObject *map, int depth, uint32_t max, size_t count_bytes)
{
    uint8_t *count_at = buffer->at;
    uint16_t count = 0;
    PyObject *name, *value;
    Py_ssize_t position = 0;
    scope_put_bytes(buffer, &count, count_bytes);
    while (count < max && !buffer->overflow && PyDict_Next(map, &position, &name, &value)) {
        uint8_t *pair_at = buffer->at;
        if (!PyUnicode_Check(name))
            continue;
        Py_INCREF(name);
        Py_INCREF(value);
        put_pair(buffer, name, value, depth);
        count += !buffer->overflow || put_type_instead(buffer, pair_at, name, value, depth);
        Py_DECREF(value);
        Py_DECREF(name);
    }
    if (count_at + count_bytes <= buffer->end)
        memcpy(count_at, &count, count_bytes);
}

static void put_value(scope_buffer *buffer, PyObject *value, int depth)
{
    if (value == Py_None)
        scope_put_u8(buffer, TAG_NULL);
    else if (PyBool_Check(value))
        scope_put_u8(buffer, value == Py_True ? TAG_TRUE : TAG_FALSE);
    else if (PyUnicode_Check(value))
        put_string_value(buffer, value);
    else if (PyLong_Check(value))
        put_int(buffer, value);
    else if (PyFloat_Check(value)) {
        double number = PyFloat_AS_DOUBLE(value);
        scope_put_u8(buffer, TAG_FLOAT);
        scope_put_bytes(buffer, &number, sizeof number);
    } else if (PyBytes_Check(value))
        put_byte_string(buffer, value);
    else if ((PyList_Check(value) || PyTuple_Check(value)) && depth < MAX_DEPTH)
        put_items(buffer, value, depth);
    else if (PyDict_Check(value) && depth < MAX_DEPTH) {
        scope_put_u8(buffer, TAG_MAP);
        put_pairs(buffer, value, depth + 1, MAX_ITEMS, 1);
    } else if (is_plain_type(Py_TYPE(value))) {
        PyObject *text = PyObject_Str(value);
        PyErr_Clear();
        if (text)
            put_string_value(buffer, text);
        else
            put_object(buffer, value);
        Py_XDECREF(text);
    } else
        put_object(buffer, value);
}

#define LEFT_OUT "scope.left_out"
#define LEFT_OUT_BYTES (2 + sizeof LEFT_OUT - 1 + 1 + 8)

/* Says how many of `given` attributes are not behind the count at `count_at`, as one more; there is room for it. */
static void put_left_out(scope_buffer *buffer, uint8_t *count_at, Py_ssize_t given)
{
    uint16_t count;
    memcpy(&count, count_at, sizeof count);
    int64_t left_out = (int64_t)given - count;
    if (left_out <= 0)
        return;
    buffer->overflow = false;
    scope_put_utf8(buffer, LEFT_OUT, sizeof LEFT_OUT - 1);
    scope_put_u8(buffer, TAG_INT);
    scope_put_bytes(buffer, &left_out, sizeof left_out);
    count++;
    memcpy(count_at, &count, sizeof count);
}

void scope_put_attributes(scope_buffer *buffer, PyObject *attributes)
{
    uint16_t none = 0;
    uint8_t *count_at = buffer->at;
    bool told = (size_t)(buffer->end - buffer->at) >= sizeof none + LEFT_OUT_BYTES;
    if (!attributes || !PyDict_GET_SIZE(attributes) || !told) {
        scope_put_bytes(buffer, &none, sizeof none);
        return;
    }
    buffer->end -= LEFT_OUT_BYTES;
    put_pairs(buffer, attributes, 1, buffer->max_attributes, sizeof none);
    buffer->end += LEFT_OUT_BYTES;
    put_left_out(buffer, count_at, PyDict_GET_SIZE(attributes));
}
