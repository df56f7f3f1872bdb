/* Conditions that rules of a Plan make: which requests they are about. function.h asks them.
 *
 * There are few at a time, in a table of the process that is replaced as a whole. Which of them a request meets is found out
 * when the first function is called in it of which a condition is made, once more where the table has changed since, and when
 * its route becomes known. So other requests, and calls of other functions, pay nothing.
 *
 * A request's own path tells what it may come to be routed to, for as long as its route is not known. It is kept only while
 * there are conditions.
 *
 * A condition may hold for one request only, of all processes: it has a ticket, a file that whoever comes first makes. A
 * request takes it as the first such function is called in it, once its route is known where that is asked for, too.
 */
#ifndef SCOPE_CONDITIONS_H
#define SCOPE_CONDITIONS_H

#include "runtime.h"

#define SCOPE_CONDITIONS_MAX 64 /* the first stands for none: bits of RequestObject.conditions */

typedef struct {
    uint32_t serial; /* of the table: changes with it, never 0 */
    uint32_t count;
} scope_conditions_state;

extern scope_conditions_state scope_conditions;

/* Whether the request meets condition `number`; takes its ticket where it has one. Leaves no exception set. */
bool scope_condition_met(RequestObject *request, uint8_t number);

/* Keeps what conditions want to know of the request; called where there are any. Leaves no exception set. */
void scope_conditions_begin(RequestObject *request, PyObject *method, PyObject *path);

/* The request's route has become known. */
void scope_conditions_routed(RequestObject *request);

/* set_conditions(table) */
PyObject *scope_set_conditions(PyObject *module, PyObject *table);

#endif
