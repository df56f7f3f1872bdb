/* Touching a mapped file that somebody has cut raises SIGBUS. A guarded block of code ends early instead:
 *
 *     scope_guard guard;
 *     if (!scope_guard_enter(&guard))
 *         return false; // cut
 *     ... loads and stores of the mapped file ...
 *     scope_guard_leave(&guard);
 *
 * The jump comes out of the very load or store, so whatever else the block calls has come to its end. Only processes that
 * read the segments of others do this; a SIGBUS from elsewhere goes where it went before.
 */
#ifndef SCOPE_GUARD_H
#define SCOPE_GUARD_H

#include <setjmp.h>
#include <stdbool.h>

typedef struct scope_guard {
    sigjmp_buf back;
    struct scope_guard *outer;
} scope_guard;

/* Once per process, before the first guarded block. 0, or -1 with errno set. */
int scope_guard_install(void);

void scope_guard_push(scope_guard *guard);

/* True at first; false when the block has been left by a jump. Without the signal mask, which costs a system call: the
 * handler does not block its own signal. */
#define scope_guard_enter(guard) (scope_guard_push(guard), sigsetjmp((guard)->back, 0) == 0)

void scope_guard_leave(scope_guard *guard);

#endif
