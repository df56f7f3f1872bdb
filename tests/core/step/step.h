/* Steps processes instruction by instruction, through what the compiler made of the shipped source: no hooks in it.
 *
 * A tracee is a forked child that runs a script. After each of its instructions, whoever steps it may look at the memory that
 * they share: that is what a kill -9 there would leave.
 */
#ifndef SCOPE_STEP_H
#define SCOPE_STEP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { STEP_PROCESSES = 2 };

/* Which one of several is stepped: the forked child first to its end, the parent first, or one after the other in turn. */
enum step_order { STEP_CHILD_FIRST, STEP_PARENT_FIRST, STEP_IN_TURN };

typedef struct {
    void (*script)(void *self); /* what the tracee does; it may fork once */
    void (*look)(void *self); /* after each instruction */
    void (*asked)(void *self); /* the tracee has raised SIGUSR1 and waits for this */
    void *self;
    enum step_order order;
    uint64_t skip; /* the tracee runs freely until it has raised SIGUSR2 so many times */
    uint64_t until; /* so many times, and then all are killed; 0: never */
    uint64_t kill_after; /* instructions from there on after which all are killed; 0: never */
} step_run;

/* Whether this system lets one process trace another. */
bool step_is_allowed(void);

/* Runs the script to its end, or to the kill; how many instructions were stepped. Nobody of it lives afterwards. */
uint64_t step_through(const step_run *run);

#endif
