/* A span from its beginning to its end: what the objects hold that stand for one. */
#ifndef SCOPE_OPEN_SPAN_H
#define SCOPE_OPEN_SPAN_H

#include "runtime.h"
#include "values.h"

#define SCOPE_SPAN_BYTES 12288
#define SCOPE_SPAN_KINDS 10

typedef struct {
    RequestObject *request; /* NULL: not begun, or nothing is captured */
    PyObject *name; /* borrowed; a str where there is no `site` */
    PyObject *attributes; /* dict or NULL, until it begins */
    uint32_t number, parent;
    uint32_t site; /* process-wide number of the definition; 0: that of the name */
    uint8_t kind;
    bool is_task;
    bool is_code; /* `site` is a code site: FUNCTION records */
} scope_open_span;

/* Begins the span where there is something to begin it in. 0, or -1 with an exception set. */
int scope_span_begin(scope_open_span *span);

/* Ends the span, with `error` (NULL: none), and makes its parent current where it still is. */
void scope_span_end(scope_open_span *span, PyObject *error);

/* Ends the span and leaves the context as it is. */
void scope_span_finish(scope_open_span *span, PyObject *error);

/* The number by which the request's segment knows `site`, or where that is 0 the name. 0: it knows neither. */
uint32_t scope_span_site(const RequestObject *request, uint32_t site, PyObject *name);

scope_buffer scope_span_buffer(const RequestObject *request, uint8_t bytes[SCOPE_SPAN_BYTES]);

#endif
