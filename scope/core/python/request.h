/* The Request: one ASGI scope, or one task outside any, from its first event to its last. */
#ifndef SCOPE_REQUEST_H
#define SCOPE_REQUEST_H

#include "runtime.h"

/* The key under which an ASGI scope holds its Request while it runs. */
#define SCOPE_REQUEST_KEY "scope.request"

/* ---- begin.c ---- */

/* The request of an ASGI scope; NULL where nothing is to be captured, `scope` is none, or memory is short. Takes over the
 * caller's ids where it is `trusted`. Never leaves an exception set. */
RequestObject *scope_begin_request(PyObject *scope, PyObject *header_name, bool trusted);

/* A request for a span opened outside any; NULL where nothing is to be captured or memory is short (no exception set). */
RequestObject *scope_begin_task(PyObject *name, PyObject *attributes);

int scope_add_begin(void);

/* ---- request.c ---- */

/* Writes the end; the second call does nothing. */
void scope_end_request(RequestObject *request, uint8_t outcome);

/* Writes the end for `error`, which escaped: the exception, the status that the server answers with, the outcome. */
uint8_t scope_fail_request(RequestObject *request, PyObject *error);

/* Makes it the current one; what was before, for scope_deactivate_request(). NULL with an exception set. */
PyObject *scope_activate_request(RequestObject *request);

/* Makes what was current before current again, where the request still is. 0, or -1 with an exception set. */
int scope_deactivate_request(RequestObject *request, PyObject *before);

/* Names the route: a str. Never leaves an exception set. */
void scope_name_route(RequestObject *request, PyObject *template);

/* (name, value) in bytes, borrowed; NULL for a task, or with an exception set. */
PyObject *scope_response_header(RequestObject *request);

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
int scope_add_asgi(PyObject *module);

/* ---- exchange.c ---- */
int scope_add_exchange(PyObject *module);

/* ---- errors.c ---- */

/* The outcome of a block that `error` (NULL: none) left. */
uint8_t scope_outcome_of(PyObject *error);

/* Writes an EXCEPTION for `span`; of one that was the last written only for the root, briefly. Leaves no exception set. */
void scope_record_error(RequestObject *request, uint32_t span, PyObject *error, bool escaped);

/* record_error(error): an exception that was handled, on the current span. */
PyObject *scope_record_handled(PyObject *module, PyObject *error);

#endif
