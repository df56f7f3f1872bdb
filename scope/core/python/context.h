/* Which request and which span is current. The ContextVar is the truth: asyncio tasks, to_thread and anyio copy it.
 *
 * Its value, a ContextObject, says "request R, span S". A copy of a context shares the value, so changing it in place would
 * change what the copy holds; setting the variable anew on every call of a probed function would cost two allocations. So:
 *
 * - A value may be changed in place only while nobody else can hold it: it was set by this thread since the last switch of
 *   contexts (tstate->context_ver), the context still has the very mapping that it was set into, and mapping and value have
 *   one owner. Copying a context shares the mapping, so its reference count tells of every copy; a copy that went its own
 *   way must have been entered, which changes context_ver.
 * - Else a new value is set; the copies keep the old one, and with it the span that was current when they were made.
 *
 * The known hole: a copy was given to another thread by other means than ours, and there another variable was changed
 * before the first probe, in a mapping so crowded (about 16 variables, or slots that collide) that the value's node is
 * shared; and meanwhile the giver goes on without an await. That probe's parent may then be its giver's next span.
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
