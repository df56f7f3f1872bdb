/* How often each instrumented function was called within one request, and how many of these calls may be recorded.
 *
 * A function that is called a hundred thousand times would push everything else out of the ring. So of each function only the
 * first calls within a request are recorded, and of all functions together no more than a number; the rest is counted, and
 * the trace says how much was held back of what.
 */
#ifndef SCOPE_CALLS_H
#define SCOPE_CALLS_H

#include "runtime.h"

struct scope_calls {
    uint32_t *seen; /* [index of the probe]: its calls so far */
    uint32_t capacity;
    uint32_t recorded;
    uint32_t most; /* of all functions that may be recorded; 0: the request is none of those sampled: shedding.h */
    uint32_t errors; /* exceptions described so far */
    uint64_t held_back;
};

typedef struct {
    uint32_t per_function, per_request;
} scope_call_limits;

extern scope_call_limits call_limits; /* those in force */

/* Brings the limits in force: those that were set, as far as shedding lets them. */
void scope_apply_call_limits(void);

/* What traces call function `index`, borrowed. */
PyObject *scope_calls_name(uint32_t index);

/* The request goes to `route`, so it may be one of those whose functions are recorded, or none of them. */
void scope_calls_sample(RequestObject *request, PyObject *route);

/* Exceptions of one request that are told in full as they leave instrumented functions; of the others only the outcome is. */
#define SCOPE_ERRORS_PER_REQUEST 32

/* The index for probes of the function that process-wide definition `site` is about, however they record it; `name` is kept
 * for good. A new one where there is no such definition (0). -1 with an exception set. */
int64_t scope_calls_register(PyObject *name, uint32_t site);

/* Room for probe `index` in the request's counters. False where memory is short. */
bool scope_calls_grow(RequestObject *request, uint32_t index);

/* Counts a call; whether it is to be recorded. */
static inline bool scope_calls_allow(RequestObject *request, uint32_t index)
{
    struct scope_calls *calls = request->calls;
    if (__builtin_expect(!calls || index >= calls->capacity, 0)) {
        if (!scope_calls_grow(request, index))
            return false;
        calls = request->calls;
    }
    if (__builtin_expect(++calls->seen[index] <= call_limits.per_function && calls->recorded < calls->most, 1)) {
        calls->recorded++;
        return true;
    }
    calls->held_back++;
    return false;
}

/* Whether one more exception may be described. */
static inline bool scope_calls_allow_error(RequestObject *request)
{
    return request->calls && request->calls->errors++ < SCOPE_ERRORS_PER_REQUEST;
}

/* Writes what was held back or shed: a LEDGER, and which functions were held back as attributes of the request's root span. Nothing
 * where nothing was. Leaves no exception set. */
void scope_calls_report(RequestObject *request);

void scope_calls_free(RequestObject *request);

/* set_call_limits(per_function, per_request) */
PyObject *scope_set_call_limits(PyObject *module, PyObject *args);

#endif
