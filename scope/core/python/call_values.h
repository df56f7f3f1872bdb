/* What is recorded of a call besides its times: arguments, result, local variables.
 *
 * For both engines: they find the values, these functions write them for span `span` of `request`. Each copies what it shows
 * into a record of bounded size, calls no code of the application, leaves an exception that is set as it is, and never fails
 * the function. Secrets are masked before anything reaches shared memory.
 */
#ifndef SCOPE_CALL_VALUES_H
#define SCOPE_CALL_VALUES_H

#include "runtime.h"

/* As in docs/design/wire.md. */
enum scope_values {
    SCOPE_VALUES_ARGUMENTS,
    SCOPE_VALUES_RESULT,
    SCOPE_VALUES_YIELDED,
    SCOPE_VALUES_LOCALS,
    SCOPE_VALUES_LOCALS_AT_ERROR,
};

/* Of one call so many yielded values, and so many looks at local variables, are recorded. */
#define SCOPE_YIELDED_MAX 8
#define SCOPE_LOCALS_MAX 16

/* The arguments of a call: `count` of them, by the first `count` of `names`, a tuple of str. */
void scope_record_arguments(const RequestObject *request, uint32_t span, PyObject *names, PyObject *const *values,
                            Py_ssize_t count);

/* What a call returned or, with SCOPE_VALUES_YIELDED, yielded. Withheld where `name`, that of the function, is a secret's. */
void scope_record_result(const RequestObject *request, uint32_t span, enum scope_values what, PyObject *name,
                         PyObject *value);

/* The local variables of the frame that runs, before `line`; 0: as it is left, with SCOPE_VALUES_LOCALS_AT_ERROR by an
 * exception. */
void scope_record_locals(const RequestObject *request, uint32_t span, enum scope_values what, uint32_t line);

/* set_value_limits(value_bytes, call_bytes) */
PyObject *scope_set_value_limits(PyObject *module, PyObject *args);

/* ---- frame_locals.c ---- */

/* Gives the local variables of the frame that runs, new references each: at most `max`. How many there are; those beyond `max`
 * and those that are unbound are not given. Leaves no exception set. */
Py_ssize_t scope_frame_locals(PyObject **names, PyObject **values, Py_ssize_t max);

#endif
