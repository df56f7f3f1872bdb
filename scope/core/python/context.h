/* Which request and which span is current. The ContextVar is the truth: asyncio tasks, to_thread and anyio copy it.
 *
 * Its value, a ContextObject, says "request R, span S". A copy of a context shares the value, so changing it in place would
 * change what the copy holds; setting the variable anew on every call of a probed function would cost two allocations. So:
 *
 * - A value may be changed in place only while nobody else can hold it: it was set by this thread since the last switch of
 *   contexts (tstate->context_ver), the context still has the very mapping that it was set into, and that mapping has one
 *   owner. Copying a context shares the mapping, so its reference count tells of every copy; a copy that went its own way
 *   must have been entered, which changes context_ver.
 * - Else a new value is set; the copies keep the old one, and with it the span that was current when they were made.
 *
 * In-place changes span one synchronous call (a window): scope_window_open at its start, scope_window_close at its end.
 * Spans that live across an await always set a new value.
 *
 * The known hole: a thread that was given a copy *inside* a window by other means than ours, changed another variable in it
 * before its first probe, and met that probe before the window closed, sees the window's span for its parent's.
 */
#ifndef SCOPE_CONTEXT_H
#define SCOPE_CONTEXT_H

#include "runtime.h"

typedef struct {
    RequestObject *request; /* strong */
    uint32_t outer;
    uint32_t inner;
} scope_window;

/* The current value; NULL where there is none. Strong. Never leaves an exception set. */
ContextObject *scope_context(void);

/* Sets a new value in the running context. 0, or -1 with an exception set. */
int scope_context_set(RequestObject *request, uint32_t span, bool suppressed);

/* Makes `span` current for a synchronous call within the context's request. */
void scope_window_open(scope_window *window, ContextObject *context, uint32_t span);

/* Makes the span from before the window current again, unless another was left current on purpose. */
void scope_window_close(scope_window *window);

/* Ends a span that lived across awaits: makes `parent` current where `span` of `request` still is. */
void scope_context_restore(RequestObject *request, uint32_t span, uint32_t parent);

extern PyTypeObject *ContextType;
int scope_add_context(PyObject *module);

#endif
