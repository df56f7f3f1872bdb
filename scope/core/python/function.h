/* A function that a Plan chose, and one call of it: what the engines share that record calls.
 *
 * An engine finds out that a function is called, in which context, and by what it is left. It asks scope_call_level() once a
 * call, before anything else; where that is OFF, nothing is recorded of the call. Else it keeps a scope_call from
 * scope_call_begin() to scope_call_end(), for as long as the function's frame lives. Generators have steps instead: span.h.
 */
#ifndef SCOPE_FUNCTION_H
#define SCOPE_FUNCTION_H

#include "calls.h"
#include "runtime.h"

/* As in scope/instrument/plan/level.py; each records what those below it do, and more. */
enum scope_level {
    SCOPE_LEVEL_OFF,
    SCOPE_LEVEL_TIMING,
    SCOPE_LEVEL_VALUES,
    SCOPE_LEVEL_LOCALS,
    SCOPE_LEVEL_LINES,
};

typedef struct {
    uint32_t site; /* process-wide number of its definition */
    uint32_t index; /* of its counters in calls.h */
    uint8_t level; /* how deep its calls are recorded at most */
} scope_function;

typedef struct {
    RequestObject *request; /* strong; NULL: nothing is under way */
    uint32_t site; /* the segment's number of the definition */
    uint32_t span, parent;
    uint8_t level;
} scope_call;

/* A function that traces call `name`, which is kept for good. 0, or -1 with an exception set. */
int scope_function_init(scope_function *function, PyObject *name, uint32_t site, unsigned int level);

/* How deep this call is recorded: the function's level, as far as the limits of the request let it. Counts the call. */
static inline enum scope_level scope_call_level(RequestObject *request, const scope_function *function)
{
    if (!function->level || !scope_calls_allow(request, function->index))
        return SCOPE_LEVEL_OFF;
    return (enum scope_level)function->level;
}

/* Begins a synchronous call, or a coroutine at its first step, in what is current: `context`, whose reference is taken over
 * and which has a request. Leaves no exception set. */
void scope_call_begin(scope_call *call, const scope_function *function, enum scope_level level, ContextObject *context);

/* Ends the call that is under way: `error` left it, or nothing did (None). Keeps an exception that is set as it is. */
void scope_call_end(scope_call *call, PyObject *error);

#endif
