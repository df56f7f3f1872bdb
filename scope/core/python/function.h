/* A function that a Plan chose, and one call of it: what the engines share that record calls.
 *
 * An engine finds out that a function is called, in which context, and by what it is left. It asks scope_call_level() once a
 * call, before anything else; where that is OFF, nothing is recorded of the call. Else it keeps a scope_call from
 * scope_call_begin() to scope_call_end(), for as long as the function's frame lives. Generators have steps instead: span.h.
 */
#ifndef SCOPE_FUNCTION_H
#define SCOPE_FUNCTION_H

#include "calls.h"
#include "conditions.h"
#include "runtime.h"
#include "shedding.h"

/* As in scope/instrument/plan/level.py; each records what those below it do, and more. */
enum scope_level {
    SCOPE_LEVEL_OFF,
    SCOPE_LEVEL_TIMING,
    SCOPE_LEVEL_VALUES,
    SCOPE_LEVEL_LOCALS,
    SCOPE_LEVEL_LINES,
};

#define SCOPE_CASES_MAX 4

typedef struct {
    uint8_t condition; /* its number: conditions.h */
    uint8_t level;
} scope_case;

typedef struct {
    uint32_t site; /* process-wide number of its definition */
    uint32_t index; /* of its counters in calls.h */
    uint8_t level; /* how deep its calls are recorded, in requests that meet none of the conditions below */
    uint8_t cases;
    uint64_t asked; /* bits of the conditions of all its cases */
    scope_case conditional[SCOPE_CASES_MAX]; /* [below `cases`] the first whose condition is met decides */
} scope_function;

typedef struct {
    RequestObject *request; /* strong; NULL: nothing is under way */
    uint32_t site; /* the segment's number of the definition */
    uint32_t span, parent;
    uint8_t level;
} scope_call;

/* A function that traces call `name`, which is kept for good. 0, or -1 with an exception set. */
int scope_function_init(scope_function *function, PyObject *name, uint32_t site, unsigned int level);

/* Gives it the cases of a tuple of (condition, level), the one that decides first. 0, or -1 with an exception set. */
int scope_function_set_cases(scope_function *function, PyObject *cases);

/* scope_function_level() where one of its conditions may be met. */
uint8_t scope_function_level_slow(const scope_function *function, RequestObject *request);

/* The level that the function has in this request. Leaves no exception set. */
static inline uint8_t scope_function_level(const scope_function *function, RequestObject *request)
{
    bool is_known = request->conditions_of == scope_conditions.serial;
    if (__builtin_expect(!function->asked || (is_known && !(request->conditions & function->asked)), 1))
        return function->level;
    return scope_function_level_slow(function, request);
}

/* How deep this call is recorded: the function's level in this request, as far as the request's limits and what is shed let
 * it. Counts calls that have one. */
static inline enum scope_level scope_call_level(RequestObject *request, const scope_function *function)
{
    uint8_t level = scope_function_level(function, request);
    if (!level || !scope_calls_allow(request, function->index))
        return SCOPE_LEVEL_OFF;
    return (enum scope_level)(level < shedding.step.most ? level : shedding.step.most);
}

/* Begins a synchronous call, or a coroutine at its first step, in what is current: `context`, whose reference is taken over
 * and which has a request. Leaves no exception set. */
void scope_call_begin(scope_call *call, const scope_function *function, enum scope_level level, ContextObject *context);

/* Ends the call that is under way: `error` left it, or nothing did (None). Keeps an exception that is set as it is. */
void scope_call_end(scope_call *call, PyObject *error);

#endif
