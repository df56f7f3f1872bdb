/* Text to bytes: a `str16` of bounded length, with the secrets in it masked where that is asked for. */
#include "../redact.h"
#include "values.h"

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

void scope_put_u16(scope_buffer *buffer, uint16_t value)
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
    scope_put_u16(buffer, (uint16_t)kept);
    scope_put_bytes(buffer, text, kept);
}

/* A long or foreign string is sliced first, so that nothing large is encoded nor left cached in the application's object. */
const char *scope_utf8_of(PyObject *text, Py_ssize_t max, Py_ssize_t *size, PyObject **owner)
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
        scope_put_u16(buffer, 0);
        return;
    }
    Py_ssize_t size;
    PyObject *owner;
    uint32_t seen_bytes = mask ? max_bytes + SCOPE_REDACT_SLACK : max_bytes;
    const char *utf8 = scope_utf8_of(text, seen_bytes, &size, &owner);
    uint8_t *length_at = buffer->at;
    buffer->end += buffer->spare;
    scope_put_utf8(buffer, utf8, cut_utf8(utf8, (size_t)size, seen_bytes));
    buffer->end -= buffer->spare;
    Py_XDECREF(owner);
    buffer->overflow = buffer->overflow || (!mask && buffer->at > buffer->end);
    if (!mask || buffer->overflow)
        return;
    size_t seen = (size_t)(buffer->at - length_at - 2);
    scope_mask(buffer, length_at, seen, max_bytes);
}

void scope_mask(scope_buffer *buffer, uint8_t *length_at, size_t seen, uint32_t max_bytes)
{
    uint16_t kept = (uint16_t)scope_redact_and_cut((char *)length_at + sizeof kept, seen, max_bytes);
    memcpy(length_at, &kept, sizeof kept);
    buffer->at = length_at + sizeof kept + kept;
    buffer->overflow = buffer->at > buffer->end;
}

void scope_put_text(scope_buffer *buffer, PyObject *text, uint32_t max_bytes)
{
    put_text(buffer, text, max_bytes, false);
}

void scope_put_masked_text(scope_buffer *buffer, PyObject *text, uint32_t max_bytes)
{
    put_text(buffer, text, max_bytes, true);
}
