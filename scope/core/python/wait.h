/* Waiting for room in a lane without stopping anybody else: wait.c. */
#ifndef SCOPE_WAIT_H
#define SCOPE_WAIT_H

#include "runtime.h"

/* A scope_sleeper for a session, which is what `session` points to. Refuses in a thread that runs an event loop, unless the
 * session says that such threads may be blocked, and while the session is closed. Called with the GIL held. */
enum scope_slept scope_sleep_without_gil(void *session, scope_futex *at, uint32_t expected, uint64_t deadline_ns);

/* Lets nobody sleep any more, and returns when all that slept have written or given up their record. */
void scope_wake_sleepers(SessionObject *session);

/* An ASGI exchange begins, or ends, in the calling thread: while there is one, the thread runs an event loop of some kind. */
void scope_thread_begins_exchange(void);
void scope_thread_ends_exchange(void);

#endif
