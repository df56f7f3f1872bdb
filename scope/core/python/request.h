/* The Request: one ASGI scope, or one task outside any, from its first event to its last. */
#ifndef SCOPE_REQUEST_H
#define SCOPE_REQUEST_H

#include "runtime.h"

/* A request for a span opened outside any; NULL where nothing is to be captured or memory is short (no exception set). */
RequestObject *scope_begin_task(PyObject *name, PyObject *attributes);

/* Writes the end; the second call does nothing. */
void scope_end_request(RequestObject *request, uint8_t outcome);

/* The next span number of the request. */
static inline uint32_t scope_next_span(RequestObject *request)
{
    return ++request->spans;
}

/* Writes an ANNOTATION; nothing for no attributes. */
void scope_annotate(RequestObject *request, uint32_t span, PyObject *attributes);

extern PyTypeObject *RequestType;
int scope_add_request(PyObject *module);

/* ---- asgi.c: what wraps send and receive ---- */
PyObject *scope_wrap_send(RequestObject *request, PyObject *send);
PyObject *scope_wrap_receive(RequestObject *request, PyObject *receive);

/* What one of our awaitables awaits, strong; NULL where `awaitable` is none of ours. */
PyObject *scope_awaited_inside(PyObject *awaitable);
int scope_add_asgi(PyObject *module);

/* ---- errors.c ---- */

/* The outcome of a block that `error` (NULL: none) left. */
uint8_t scope_outcome_of(PyObject *error);

/* Writes an EXCEPTION for `span`; of one that was the last written only for the root, briefly. Leaves no exception set. */
void scope_record_error(RequestObject *request, uint32_t span, PyObject *error, bool escaped);

/* record_error(error): an exception that was handled, on the current span. */
PyObject *scope_record_handled(PyObject *module, PyObject *error);

#endif
