/* What the spans of generators need of span.c: current while the body runs, nobody's while it is suspended. */
#ifndef SCOPE_SPAN_H
#define SCOPE_SPAN_H

#include "runtime.h"

/* The span of one call of the function that process-wide definition `site` names, not begun. NULL with an exception set. */
PyObject *scope_activation(uint32_t site);

/* Makes the span current, on first use begins it; what scope_steps_suspend() wants. NULL with an exception set. */
PyObject *scope_steps_resume(PyObject *span, PyObject *unused);

/* Makes current again what was so before the matching scope_steps_resume(). None; NULL with an exception set. */
PyObject *scope_steps_suspend(PyObject *span, PyObject *before);

/* Ends the span, suspended, as `error` says (None: as it should). None; NULL with an exception set. */
PyObject *scope_steps_finish(PyObject *span, PyObject *error);

/* The request and the number of a span that is under way; false, and neither set, where it is not. */
bool scope_steps_place(PyObject *span, RequestObject **request, uint32_t *number);

#endif
