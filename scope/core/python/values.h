/* Encodes Python values as attributes, into a private buffer: bounded, and without calling the application's code.
 *
 * An attribute is what somebody chose to write down. What is captured of a call was chosen by nobody: there a buffer is
 * `deep`, and shows more of what it meets (sets, keys of any kind, the attributes of objects), in part where it is too much.
 */
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
    bool deep;
    uint16_t values_left; /* of a deep one: values that may still be looked at */
    uint16_t spare; /* bytes behind `end` for text that is longer before its secrets are masked */
} scope_buffer;

static inline scope_buffer scope_buffer_over(uint8_t *bytes, size_t size)
{
    return (scope_buffer){.start = bytes, .at = bytes, .end = bytes + size, .max_value_bytes = 256, .max_attributes = 64};
}

static inline size_t scope_buffer_size(const scope_buffer *buffer)
{
    return (size_t)(buffer->at - buffer->start);
}

/* ---- texts.c ---- */

void scope_put_bytes(scope_buffer *buffer, const void *bytes, size_t size);
void scope_put_u8(scope_buffer *buffer, uint8_t value);
void scope_put_u16(scope_buffer *buffer, uint16_t value);
void scope_put_u32(scope_buffer *buffer, uint32_t value);

/* How many bytes a str takes in UTF-8, a surrogate three. */
uint64_t scope_utf8_size(PyObject *text);

/* UTF-8 of at most the first `max` characters of a str. `*owner` keeps it alive and is released by the caller. */
const char *scope_utf8_of(PyObject *text, Py_ssize_t max, Py_ssize_t *size, PyObject **owner);

/* A `str16` from UTF-8; `size` is cut to what fits. */
void scope_put_utf8(scope_buffer *buffer, const char *text, size_t size);

/* A `str16` of at most `max_bytes` from a str (anything else: empty). Never leaves an exception set. */
void scope_put_text(scope_buffer *buffer, PyObject *text, uint32_t max_bytes);

/* The same, with secrets in it masked. */
void scope_put_masked_text(scope_buffer *buffer, PyObject *text, uint32_t max_bytes);

/* Masks the secrets in the `seen` bytes behind the length at `length_at`, which is rewritten, and cuts them to `max_bytes`. */
void scope_mask(scope_buffer *buffer, uint8_t *length_at, size_t seen, uint32_t max_bytes);

/* ---- values.c ---- */

/* One value, which lies within `depth` lists, maps and objects. */
void scope_put_value(scope_buffer *buffer, PyObject *value, int depth);

/* A name and its value, which is withheld where the name is a secret's. */
void scope_put_pair(scope_buffer *buffer, PyObject *name, PyObject *value, int depth);

/* In place of a value the name of its type. */
void scope_put_type(scope_buffer *buffer, PyObject *value);

/* In place of a value that it is withheld. */
void scope_put_redacted(scope_buffer *buffer);

/* Attributes from a dict (NULL: none). Values under secret names are left out, secrets in strings masked. Where not all are
 * put, for their number, their size or a name that is no str, one more, scope.left_out, says how many were not. Never leaves
 * an exception set. */
void scope_put_attributes(scope_buffer *buffer, PyObject *attributes);

/* ---- secrets.c ---- */

/* Whether what goes by this name, a str, is withheld. */
bool scope_is_secret(PyObject *name);

/* The same of what may be a name, a str or bytes, beside its value; `is_option` where only `--password` is one. */
bool scope_names_secret(PyObject *name, bool is_option);

/* Whether values of the type are never to be captured. */
bool scope_is_withheld(PyTypeObject *type);

/* set_never_types(types): a dict, from the last part of a type's name to a tuple of modules, each of which is meant with all
 * within it. */
PyObject *scope_set_never_types(PyObject *module, PyObject *types);

/* ---- objects.c ---- */

/* An object that is none of the built-in values: in a deep buffer with its attributes. */
void scope_put_object(scope_buffer *buffer, PyObject *value, int depth);

/* The value of the slot `name` of an object, without any code of its class; NULL where there is none (no exception set). */
PyObject *scope_slot_value(PyObject *object, const char *name);

#endif
