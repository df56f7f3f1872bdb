/* The asyncio tasks that run in a request's context: told when they first run, and when they have ended.
 *
 * A task is known by its address, without a reference, so it lives as long as it would. Its first step is told by its coroutine,
 * which has not begun then; that step was scheduled as the task was made. The task in which the request itself runs is none of
 * them. Beyond SCOPE_ASYNC_TASKS_MAX a request's tasks are counted only.
 *
 * The known hole: a task that is destroyed before it has ended is never told to have; its address may be another's by then, whose
 * first step puts that in its place.
 */
#ifndef SCOPE_ASYNC_TASKS_H
#define SCOPE_ASYNC_TASKS_H

#include "runtime.h"

#define SCOPE_ASYNC_TASKS_MAX 10000

/* The request begins in a step of `task`; NULL: in one that is not known. */
void scope_async_tasks_begin(RequestObject *request, PyObject *task);

/* A step of `task` in the request's context begins at `begin_ns`, and could have begun at `ready_ns`. The task's number; 0 for one
 * that is not told of. Leaves no exception set. */
uint32_t scope_async_task_steps(RequestObject *request, PyObject *task, uint32_t span, uint64_t ready_ns, uint64_t begin_ns);

/* The step has ended at `now_ns`, and with it the task perhaps. Called without an exception set, and leaves none. */
void scope_async_task_rests(RequestObject *request, PyObject *task, uint32_t number, uint64_t now_ns);

/* Writes how many tasks were counted only, as an attribute of the request's root span; nothing where none were. */
void scope_async_tasks_report(RequestObject *request);

void scope_async_tasks_free(RequestObject *request);

int scope_add_async_tasks(void);

#endif
