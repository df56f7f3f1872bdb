/* One step of one actor: what explorer.c and operations.c share. */
#ifndef MODEL_STEP_H
#define MODEL_STEP_H

#include "explorer.h"

/* How a step ends. */
enum model_outcome {
    MODEL_PAUSED = 1, /* after a store or the like */
    MODEL_FINISHED, /* the operation has ended */
    MODEL_OVER, /* the actor has ended */
    MODEL_BLOCKED, /* it cannot go on */
    MODEL_ABANDONED, /* these choices contradict each other */
    MODEL_VIOLATED,
    MODEL_ABOUT_TO_STORE, /* only while peeking, as the next one */
    MODEL_ABOUT_TO_DO_ELSE,
};

typedef struct {
    uint8_t count, made;
    uint8_t value[MODEL_CHOICES], of[MODEL_CHOICES];
} model_choices;

/* A load of this step. Where it is `open`, which message it read is not decided yet. */
typedef struct {
    uint8_t location;
    uint8_t index; /* the message; while open: the oldest that it may be */
    uint8_t newest; /* while open */
    bool open;
    uint8_t fences; /* acquire fences of this step before it */
    uint16_t logged; /* its place in the log */
} model_load_made;

typedef struct {
    const model_program *program;
    model_state now;
    unsigned actor;
    _Alignas(16) uint8_t data[MODEL_DATA];
    unsigned position; /* in the log */
    unsigned loads; /* of this step */
    unsigned load_count;
    unsigned fences;
    model_load_made load[MODEL_PENDING];
    bool peeking, tell;
    model_choices choices;
    model_result result;
    jmp_buf out;
} model_step;

extern model_step model_running;

static inline model_actor *model_self(void)
{
    return &model_running.now.actors[model_running.actor];
}

/* ---- the log of the running operation ---- */

/* Whether the log holds what the next access returns; then step_replay() says it. */
bool step_replaying(void);
uint64_t step_replay(void);

/* Logs what an access returned. */
uint64_t step_record(uint64_t value);

/* Ends the step. */
_Noreturn void step_leave(enum model_outcome outcome);

/* While peeking, ends it with what would come `next`. */
void step_peek(enum model_outcome next);

/* Where the way to a violation is told: one line of it. */
void step_tell(const char *what, unsigned location, uint64_t value);

/* One of 0 to `count` - 1, this time. */
unsigned step_pick(unsigned count);

/* ---- loads ---- */

/* Notes a load that read message `index`: what is decided later has to agree with it. */
model_load_made *step_note_load(unsigned location, unsigned index);

/* A load of one of the messages from `oldest` to `newest`, to be decided later; a token for it. */
uint64_t step_load_later(unsigned location, unsigned oldest, unsigned newest);

/* Decides on open loads of `location`. Two loads of one location agree on its order: the earlier one is decided before the
 * later one is made. */
void step_close_loads(unsigned location);

/* Decides on all loads that are open: on all messages in turn, or (`any`) on the first that fits. */
void model_close_loads(bool any);

#endif
