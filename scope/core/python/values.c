/* Values to bytes. Built-in types and their subclasses are read through the C API, which runs no code of theirs. */
#include "values.h"

#include "../redact.h"
#include "value_tags.h"

#define MAX_ITEMS 32
#define MAX_INT_BITS 2048
#define KEY_BYTES 128
#define SHORTEST_CARD INT64_C(10000000000000) /* 14 digits */

/* ---- scalars ---- */

/* How many bytes of a text are kept; a deep buffer that is nearly full takes fewer. */
static uint32_t room_for_text(const scope_buffer *buffer)
{
    const size_t around = 1 + 4 + 2; /* tag, length, length */
    size_t room = (size_t)(buffer->end - buffer->at);
    room = room > around ? room - around : 0;
    return buffer->deep && room < buffer->max_value_bytes ? (uint32_t)room : buffer->max_value_bytes;
}

static void put_string_value(scope_buffer *buffer, PyObject *value)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(value);
    uint32_t most = room_for_text(buffer);
    bool cut = length > (Py_ssize_t)most || scope_utf8_size(value) > most;
    scope_put_u8(buffer, cut ? SCOPE_TAG_CUT : SCOPE_TAG_TEXT);
    if (cut)
        scope_put_u32(buffer, length < UINT32_MAX ? (uint32_t)length : UINT32_MAX);
    scope_put_masked_text(buffer, value, most);
}

static void put_byte_string(scope_buffer *buffer, PyObject *value)
{
    size_t size = (size_t)PyBytes_GET_SIZE(value);
    uint32_t most = room_for_text(buffer);
    size_t seen = size < most + SCOPE_REDACT_SLACK ? size : most + SCOPE_REDACT_SLACK;
    scope_put_u8(buffer, SCOPE_TAG_BYTES);
    uint8_t *length_at = buffer->at;
    scope_put_u16(buffer, 0);
    buffer->end += buffer->spare;
    scope_put_bytes(buffer, PyBytes_AS_STRING(value), seen);
    buffer->end -= buffer->spare;
    if (!buffer->overflow)
        scope_mask(buffer, length_at, seen, most);
}

void scope_put_type(scope_buffer *buffer, PyObject *value)
{
    const char *name = Py_TYPE(value)->tp_name;
    scope_put_u8(buffer, SCOPE_TAG_OBJECT);
    scope_put_utf8(buffer, name, strnlen(name, 128));
}

void scope_put_redacted(scope_buffer *buffer)
{
    scope_put_u8(buffer, SCOPE_TAG_REDACTED);
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
        scope_put_type(buffer, value);
        return;
    }
    scope_put_u8(buffer, SCOPE_TAG_BIG_INT);
    scope_put_text(buffer, digits, 1024);
    Py_DECREF(digits);
}

/* Whether the number is a card's. */
static bool is_card(int64_t number)
{
    char digits[24];
    size_t size = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)number);
    return scope_redact(digits, size) != size;
}

static void put_int(scope_buffer *buffer, PyObject *value)
{
    int overflow;
    int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) {
        put_big_int(buffer, value);
        return;
    }
    if (number >= SHORTEST_CARD && is_card(number)) {
        scope_put_redacted(buffer);
        return;
    }
    scope_put_u8(buffer, SCOPE_TAG_INT);
    scope_put_bytes(buffer, &number, sizeof number);
}

static void put_float(scope_buffer *buffer, PyObject *value)
{
    double number = PyFloat_AS_DOUBLE(value);
    scope_put_u8(buffer, SCOPE_TAG_FLOAT);
    scope_put_bytes(buffer, &number, sizeof number);
}

/* ---- containers ---- */

/* Begins a container of `size` items: in a deep buffer one of which a part may be kept. Where its count is. */
static uint8_t *put_head(scope_buffer *buffer, uint8_t tag, Py_ssize_t size)
{
    if (buffer->deep) {
        scope_put_u8(buffer, SCOPE_TAG_PART);
        scope_put_u32(buffer, size < UINT32_MAX ? (uint32_t)size : UINT32_MAX);
    }
    scope_put_u8(buffer, tag);
    uint8_t *count_at = buffer->at;
    scope_put_u8(buffer, 0);
    return count_at;
}

/* Whether what was put since `at` is kept; in a deep buffer what did not fit is taken back, and the rest left out. */
static bool has_fitted(scope_buffer *buffer, uint8_t *at)
{
    if (!buffer->overflow)
        return true;
    if (buffer->deep) {
        buffer->at = at;
        buffer->overflow = false;
    }
    return false;
}

/* Whether the item after `before` is its value: ("cookie", value), ["--password", value]. */
static bool is_told_secret(PyObject *before, Py_ssize_t size)
{
    return before && scope_names_secret(before, size != 2);
}

static bool put_item(scope_buffer *buffer, PyObject *item, PyObject *before, Py_ssize_t size, int depth)
{
    uint8_t *at = buffer->at;
    if (is_told_secret(before, size))
        scope_put_redacted(buffer);
    else
        scope_put_value(buffer, item, depth);
    return has_fitted(buffer, at);
}

static void put_items(scope_buffer *buffer, PyObject *value, int depth)
{
    Py_ssize_t size = PySequence_Fast_GET_SIZE(value);
    uint8_t *count_at = put_head(buffer, SCOPE_TAG_LIST, size);
    if (buffer->overflow)
        return;
    uint8_t count = 0;
    PyObject *before = NULL;
    /* the application, asked whether a name is secret, may change the list */
    while (count < MAX_ITEMS && count < PySequence_Fast_GET_SIZE(value)) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(value, count));
        bool put = put_item(buffer, item, before, size, depth + 1);
        Py_XSETREF(before, item);
        if (!put)
            break;
        count++;
    }
    Py_XDECREF(before);
    if (!buffer->overflow)
        *count_at = count;
}

/* A set that changes meanwhile is shown as far as it was seen. */
static void put_set(scope_buffer *buffer, PyObject *value, int depth)
{
    uint8_t *count_at = put_head(buffer, SCOPE_TAG_LIST, PySet_GET_SIZE(value));
    PyObject *items = buffer->overflow ? NULL : PySet_Type.tp_iter(value), *item;
    uint8_t count = 0;
    while (items && count < MAX_ITEMS && (item = Py_TYPE(items)->tp_iternext(items))) {
        bool put = put_item(buffer, item, NULL, 0, depth + 1);
        Py_DECREF(item);
        if (!put)
            break;
        count++;
    }
    PyErr_Clear();
    Py_XDECREF(items);
    if (!buffer->overflow)
        *count_at = count;
}

void scope_put_pair(scope_buffer *buffer, PyObject *name, PyObject *value, int depth)
{
    bool is_data = buffer->deep || depth > 1; /* the name of an attribute is one of the program's */
    if (is_data)
        scope_put_masked_text(buffer, name, KEY_BYTES);
    else
        scope_put_text(buffer, name, KEY_BYTES);
    if (scope_is_secret(name))
        scope_put_redacted(buffer);
    else
        scope_put_value(buffer, value, depth);
}

/* In place of a pair that does not fit, the name and the value's type; false where that does not fit either. Within another
 * value nothing is put, for that one does not fit then. */
static bool put_type_instead(scope_buffer *buffer, uint8_t *pair_at, PyObject *name, PyObject *value, int depth)
{
    buffer->at = pair_at;
    if (depth > 1)
        return false;
    buffer->overflow = false;
    scope_put_text(buffer, name, KEY_BYTES);
    scope_put_type(buffer, value);
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
        scope_put_pair(buffer, name, value, depth);
        count += !buffer->overflow || put_type_instead(buffer, pair_at, name, value, depth);
        Py_DECREF(value);
        Py_DECREF(name);
    }
    if (count_at + count_bytes <= buffer->end)
        memcpy(count_at, &count, count_bytes);
}

/* The digits of a key that fits 64 bits, else NULL. */
static PyObject *digits_of(PyObject *key)
{
    int overflow = 1;
    long long number = PyLong_CheckExact(key) ? PyLong_AsLongLongAndOverflow(key, &overflow) : 0;
    return overflow ? NULL : PyUnicode_FromFormat("%lld", number);
}

/* What a key is called, also one that is no str; a new reference, or NULL (no exception set). */
static PyObject *key_text(PyObject *key)
{
    if (PyUnicode_Check(key))
        return Py_NewRef(key);
    PyObject *text = PyBytes_Check(key) && PyBytes_GET_SIZE(key) <= KEY_BYTES
                         ? PyUnicode_DecodeLatin1(PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), NULL)
                         : digits_of(key);
    if (!text)
        text = PyUnicode_FromFormat("<%.100s>", Py_TYPE(key)->tp_name);
    PyErr_Clear();
    return text;
}

static bool put_entry(scope_buffer *buffer, PyObject *key, PyObject *value, int depth)
{
    uint8_t *at = buffer->at;
    PyObject *name = key_text(key);
    if (name)
        scope_put_pair(buffer, name, value, depth);
    else
        buffer->overflow = true;
    Py_XDECREF(name);
    return has_fitted(buffer, at);
}

static void put_map(scope_buffer *buffer, PyObject *map, int depth)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    uint8_t *count_at = put_head(buffer, SCOPE_TAG_MAP, PyDict_GET_SIZE(map)), count = 0;
    bool has_room = !buffer->overflow;
    while (has_room && count < MAX_ITEMS && PyDict_Next(map, &position, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        has_room = put_entry(buffer, key, value, depth + 1);
        count += has_room;
        Py_DECREF(value);
        Py_DECREF(key);
    }
    if (!buffer->overflow)
        *count_at = count;
}

static void put_dict(scope_buffer *buffer, PyObject *value, int depth)
{
    if (buffer->deep) {
        put_map(buffer, value, depth);
        return;
    }
    scope_put_u8(buffer, SCOPE_TAG_MAP);
    put_pairs(buffer, value, depth + 1, MAX_ITEMS, 1);
}

/* ---- any value ---- */

static void put_known(scope_buffer *buffer, PyObject *value, int depth)
{
    if (value == Py_None)
        scope_put_u8(buffer, SCOPE_TAG_NULL);
    else if (PyBool_Check(value))
        scope_put_u8(buffer, value == Py_True ? SCOPE_TAG_TRUE : SCOPE_TAG_FALSE);
    else if (PyUnicode_Check(value))
        put_string_value(buffer, value);
    else if (PyLong_Check(value))
        put_int(buffer, value);
    else if (PyFloat_Check(value))
        put_float(buffer, value);
    else if (PyBytes_Check(value))
        put_byte_string(buffer, value);
    else if ((PyList_Check(value) || PyTuple_Check(value)) && depth < SCOPE_MAX_DEPTH)
        put_items(buffer, value, depth);
    else if (PyDict_Check(value) && depth < SCOPE_MAX_DEPTH)
        put_dict(buffer, value, depth);
    else if (buffer->deep && PyAnySet_Check(value) && depth < SCOPE_MAX_DEPTH)
        put_set(buffer, value, depth);
    else
        scope_put_object(buffer, value, depth);
}

void scope_put_value(scope_buffer *buffer, PyObject *value, int depth)
{
    bool has_class = Py_TYPE(value)->tp_flags & Py_TPFLAGS_HEAPTYPE;
    if (buffer->deep && buffer->values_left == 0)
        scope_put_type(buffer, value);
    else if (has_class && scope_is_withheld(Py_TYPE(value)))
        scope_put_redacted(buffer);
    else {
        buffer->values_left -= buffer->deep;
        put_known(buffer, value, depth);
    }
}

/* ---- attributes ---- */

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
    scope_put_u8(buffer, SCOPE_TAG_INT);
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
