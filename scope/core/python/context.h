/* Which request and which span is current. The ContextVar is the truth: asyncio tasks, to_thread and anyio copy it.
 *
 * Its value, a ContextObject, says "request R, span S". A copy of a context shares the value, so changing it in place would
 * change what the copy holds; setting the variable anew on every call of a probed function would cost two allocations. So:
 *
 * - A value may be changed in place only while nobody else can hold it: no other context can reach it, and no code of
 *   anybody's has a reference to it. How that is told without fail is explained in mapping.h.
 * - Else a new value is set; the copies keep the old one, and with it the span that was current when they were made.
 */
#ifndef SCOPE_CONTEXT_H
#define SCOPE_CONTEXT_H

#include "runtime.h"

/* The current value; NULL where there is none. Strong. Never leaves an exception set. */
ContextObject *scope_context(void);

/* Makes (request, span) current, where `context` (strong, or NULL) is what scope_context() gave. 0, or -1 with an exception
 * set. */
int scope_context_become(ContextObject *context, RequestObject *request, uint32_t span, bool suppressed);

/* Makes `parent` current where `span` of `request` still is; what was left current on purpose stays. Keeps an exception that
 * is set as it is. */
void scope_context_restore(RequestObject *request, uint32_t span, uint32_t parent);

extern PyTypeObject *ContextType;
int scope_add_context(PyObject *module);

#endif
