/* Encodes Python values as attributes, into a private buffer: bounded, and without calling the application's code. */
#ifndef SCOPE_VALUES_H
#define SCOPE_VALUES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t *start, *at, *end;
    bool overflow; /* something did not fit: what is between start and at is whole all the same */
    uint32_t max_value_bytes;
    uint32_t max_attributes;
} scope_buffer;

static inline scope_buffer scope_buffer_over(uint8_t *bytes, size_t size)
{
    return (scope_buffer){.start = bytes, .at = bytes, .end = bytes + size, .max_value_bytes = 256, .max_attributes = 64};
}

static inline size_t scope_buffer_size(const scope_buffer *buffer)
{
    return (size_t)(buffer->at - buffer->start);
}

void scope_put_bytes(scope_buffer *buffer, const void *bytes, size_t size);
void scope_put_u8(scope_buffer *buffer, uint8_t value);
void scope_put_u32(scope_buffer *buffer, uint32_t value);

/* How many bytes a str takes in UTF-8, a surrogate three. */
uint64_t scope_utf8_size(PyObject *text);

/* A `str16` from UTF-8; `size` is cut to what fits. */
void scope_put_utf8(scope_buffer *buffer, const char *text, size_t size);

/* A `str16` of at most `max_bytes` from a str (anything else: empty). Never leaves an exception set. */
void scope_put_text(scope_buffer *buffer, PyObject *text, uint32_t max_bytes);

/* The same, with secrets in it masked. */
void scope_put_masked_text(scope_buffer *buffer, PyObject *text, uint32_t max_bytes);

/* Attributes from a dict (NULL: none). Values under secret names are left out, secrets in strings masked. Where not all are
 * put, for their number, their size or a name that is no str, one more, scope.left_out, says how many were not. Never leaves
 * an exception set. */
void scope_put_attributes(scope_buffer *buffer, PyObject *attributes);

#endif
