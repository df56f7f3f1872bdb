/* Turns SIGBUS within guarded blocks into a jump. What it promises is told in guard.h. */
#include "guard.h"

#include <signal.h>
#include <stddef.h>

static _Thread_local scope_guard *innermost;
static struct sigaction before;
static bool installed;

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    scope_guard *guard = innermost;
    (void)context;
    if (guard && info->si_code == BUS_ADRERR) {
        innermost = guard->outer;
        siglongjmp(guard->back, 1);
    }
    /* not ours: whoever was here first gets it, again by the same access, or by a signal where it was sent */
    sigaction(number, &before, NULL);
    if (info->si_code <= 0)
        raise(number);
}

int scope_guard_install(void)
{
    if (installed)
        return 0;
    struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, &action, &before) < 0)
        return -1;
    installed = true;
    return 0;
}

void scope_guard_push(scope_guard *guard)
{
    guard->outer = innermost;
    innermost = guard;
}

void scope_guard_leave(scope_guard *guard)
{
    innermost = guard->outer;
}
