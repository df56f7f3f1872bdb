/* Visits every state that a program of a few actors can come to.
 *
 * An actor runs operations, one after the other. An operation is a function of its private data and of what its loads
 * return, nothing else. So an actor in the middle of one is told by the data with which it began and the log of what was
 * returned since: a step runs the operation from its beginning, hands it the log, and goes on from there. States are plain
 * data; no stack is ever saved. A state that was met before (by a hash of 128 bits) is not gone into again.
 *
 * A step is any number of loads, then one store, read-modify-write, full fence, sleep or wake; or the end of an operation. That
 * leaves nothing out. Old messages stay readable, so a load may as well be made later, past the stores of others, as long as it
 * comes before the actor's own next store. A plain store commutes with everything that others do, so where an actor is about to
 * store, nobody else need go first; nor where it loads what nobody else stores. `plain` turns both savings off; the machine's own tests compare.
 *
 * Words of a lane's data are chosen later still: a load returns a token, and which message it read is decided when somebody
 * examines it, within what the loads and fences since then allow. A word that nobody looks at costs no branch.
 */
#ifndef MODEL_EXPLORER_H
#define MODEL_EXPLORER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "memory.h"

enum { MODEL_LOG = 160, MODEL_DATA = 1024, MODEL_GHOST = 256, MODEL_CHOICES = 96, MODEL_PENDING = 96 };

enum { MODEL_FULL_FENCES = MODEL_LOCATIONS };

enum model_phase { MODEL_READY, MODEL_ASLEEP, MODEL_ENDED, MODEL_STOPPED };

enum model_promise { MODEL_NO_PROMISE, MODEL_PROMISE_KEPT, MODEL_PROMISE_BROKEN };

typedef struct {
    uint8_t phase;
    uint8_t bed; /* the location that it sleeps on */
    uint16_t logged;
    uint64_t log[MODEL_LOG]; /* what each access of the running operation returned */
    _Alignas(16) uint8_t data[MODEL_DATA]; /* as the operation found it */
} model_actor;

typedef struct {
    model_memory memory;
    model_actor actors[MODEL_ACTORS];
    _Alignas(16) uint8_t ghost[MODEL_GHOST]; /* what the checks remember; no actor reads it */
} model_state;

typedef struct {
    unsigned actors;
    unsigned data_bytes; /* of MODEL_DATA, in use */
    void (*begin)(model_state *state);
    /* The actor's next operation; model_end() where there is none. */
    void (*operation)(unsigned actor, void *data);
    /* Called with each store, before anybody can see it. */
    void (*stored)(unsigned actor, const void *data, unsigned location, unsigned index, uint64_t value);
    /* Whether the store is one that was made early. NULL: none is. */
    enum model_promise (*promised)(unsigned actor, unsigned location, uint64_t value, enum model_order order);
    /* Whether nobody but the actor stores to `location`, as long as it has not itself given that up by a store; or, of
     * MODEL_FULL_FENCES, whether nobody else makes any. */
    bool (*owns)(unsigned actor, const void *data, unsigned location);
    /* Called with each state in which every actor has ended or stopped. */
    void (*ended)(const model_state *state);
    /* Called where nobody can go on but actors that sleep. */
    void (*quiet)(const model_state *state);
    /* Whether the actor's process may die now; and its death, which may be a new beginning. */
    bool (*may_stop)(const model_state *state, unsigned actor);
    void (*stop)(model_state *state, unsigned actor);
    void (*name)(unsigned location, char *text, size_t size);
    bool plain;
} model_program;

typedef struct {
    uint64_t states, steps, executions;
    unsigned depth;
    char violated[64]; /* the check that failed; empty where none did */
    char message[256];
} model_result;

/* Explores from the beginning; ends at the first violation, and then tells on stdout how it came to that where `tell`. */
model_result model_explore(const model_program *program, bool tell);

/* ---- what operations and checks may call ---- */

/* Names the words from `at` on, `bytes` wide each, as locations; the first one's number. */
unsigned model_map(const volatile void *at, unsigned count, unsigned bytes, bool examined_later);
void model_map_clear(void);

unsigned model_location(const volatile void *at);

/* One of 0 to `count` - 1: all of them are tried. */
unsigned model_choose(unsigned count);

/* A value of the state's that the operation may use as if it had loaded it. */
uint64_t model_observe(uint64_t value);

/* Goes on only where `condition` holds. */
void model_await(bool condition);

/* Sees all that `other` did. */
void model_join(unsigned other);

/* A relaxed store that the actor will make only later: others may see it now, before what it does until then (C11 allows that
 * where nothing orders the two). Whoever does not keep a promise has not run. */
void model_store_early(volatile void *at, uint64_t value);

_Noreturn void model_end(void);

/* Accesses of shared memory that the running operation made so far. */
unsigned model_accesses(void);

/* The state that the step is making. */
model_state *model_now(void);

/* The search ends: `check` does not hold. */
_Noreturn void model_violated(const char *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
