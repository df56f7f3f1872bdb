/* The search: steps, states met before, and the way to a violation. What a step is is told in explorer.h. */
#include "explorer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "step.h"

model_step model_running;

/* ---- states met before ---- */

typedef struct {
    uint64_t low, high;
} digest;

static struct {
    digest *slots; /* both halves zero: empty */
    uint64_t mask, used;
} met;

static uint64_t mix(uint64_t state, uint64_t word)
{
    state = (state ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return state ^ state >> 32;
}

static void digest_bytes(digest *sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t word = 0;
    for (; size > 0; at += 8) {
        size_t part = size < 8 ? size : 8;
        word = 0;
        memcpy(&word, at, part);
        sum->low = mix(sum->low, word);
        sum->high = mix(sum->high + UINT64_C(0xD6E8FEB86659FD93), word ^ sum->low);
        size -= part;
    }
}

static void digest_memory(digest *sum, const model_memory *memory)
{
    unsigned width = memory->locations;
    for (unsigned each = 0; each < memory->first[width]; each++) {
        const model_message *message = &memory->messages[each];
        uint64_t words[2] = {message->value, message->view | (uint64_t)message->glued << 8};
        digest_bytes(sum, words, sizeof words);
    }
    digest_bytes(sum, memory->first, (width + 1) * sizeof *memory->first);
    for (unsigned view = 0; view < memory->views; view++)
        digest_bytes(sum, &memory->pool[view], width);
    digest_bytes(sum, &memory->full, width);
}

static digest digest_state(const model_state *state)
{
    const model_program *program = model_running.program;
    digest sum = {1, 2};
    digest_memory(&sum, &state->memory);
    for (unsigned each = 0; each < program->actors; each++) {
        const model_actor *actor = &state->actors[each];
        const model_sight *sight = &state->memory.sights[each];
        uint64_t words[2] = {actor->phase | (uint64_t)actor->bed << 8, actor->logged};
        digest_bytes(&sum, words, sizeof words);
        digest_bytes(&sum, actor->log, actor->logged * sizeof *actor->log);
        digest_bytes(&sum, actor->data, program->data_bytes);
        digest_bytes(&sum, &sight->seen, state->memory.locations);
        digest_bytes(&sum, &sight->read, state->memory.locations);
        digest_bytes(&sum, &sight->fenced, state->memory.locations);
    }
    digest_bytes(&sum, state->ghost, sizeof state->ghost);
    sum.low |= 1;
    return sum;
}

static bool put(digest *slots, uint64_t mask, digest sum)
{
    for (uint64_t slot = sum.low >> 1 & mask;; slot = (slot + 1) & mask) {
        if (slots[slot].low == 0) {
            slots[slot] = sum;
            return true;
        }
        if (slots[slot].low == sum.low && slots[slot].high == sum.high)
            return false;
    }
}

static void *need(void *memory)
{
    if (memory)
        return memory;
    fprintf(stderr, "out of memory\n");
    exit(2);
}

static void grow(void)
{
    uint64_t mask = met.mask ? met.mask * 2 + 1 : (UINT64_C(1) << 16) - 1;
    digest *slots = need(calloc(mask + 1, sizeof *slots));
    for (uint64_t slot = 0; met.slots && slot <= met.mask; slot++)
        if (met.slots[slot].low)
            put(slots, mask, met.slots[slot]);
    free(met.slots);
    met.slots = slots;
    met.mask = mask;
}

/* Whether the state is new. */
static bool meet(const model_state *state)
{
    if (met.used * 2 >= met.mask)
        grow();
    bool new = put(met.slots, met.mask, digest_state(state));
    met.used += new;
    return new;
}

/* ---- a step ---- */

static void copy_memory(model_memory *to, const model_memory *from)
{
    memcpy(to, from, offsetof(model_memory, messages));
    memcpy(to->messages, from->messages, from->first[from->locations] * sizeof *from->messages);
    memcpy(to->pool, from->pool, from->views * sizeof *from->pool);
    to->full = from->full;
    memcpy(to->sights, from->sights, sizeof to->sights);
}

static void copy_state(model_state *to, const model_state *from)
{
    copy_memory(&to->memory, &from->memory);
    for (unsigned each = 0; each < model_running.program->actors; each++) {
        const model_actor *actor = &from->actors[each];
        memcpy(&to->actors[each], actor, offsetof(model_actor, log) + actor->logged * sizeof *actor->log);
        memcpy(to->actors[each].data, actor->data, model_running.program->data_bytes);
    }
    memcpy(to->ghost, from->ghost, sizeof to->ghost);
}

static void settle(void)
{
    unsigned alive = 0;
    for (unsigned each = 0; each < model_running.program->actors; each++)
        if (model_running.now.actors[each].phase < MODEL_ENDED)
            alive |= 1U << each;
    memory_settle(&model_running.now.memory, alive);
}

/* The operation has ended: its data is what the next one begins with. */
static void finish_operation(void)
{
    model_actor *self = model_self();
    model_close_loads(true);
    model_running.load_count = model_running.fences = 0;
    memcpy(self->data, model_running.data, model_running.program->data_bytes);
    self->logged = 0;
    model_running.position = 0;
}

/* Runs operations until the step is over. An end of an operation is the end of the step where it loaded something. */
static enum model_outcome run_operations(void)
{
    int outcome = setjmp(model_running.out);
    if (outcome)
        return (enum model_outcome)outcome;
    do {
        model_running.program->operation(model_running.actor, model_running.data);
        finish_operation();
    } while (!model_running.loads);
    return MODEL_FINISHED;
}

/* Steps `actor` on from `from`; the state that comes of it is model_running.now. */
static enum model_outcome step(const model_state *from, unsigned actor, bool peeking)
{
    copy_state(&model_running.now, from);
    model_running.actor = actor;
    model_running.position = model_running.loads = model_running.load_count = model_running.fences = 0;
    model_running.choices.made = 0;
    model_running.peeking = peeking;
    memcpy(model_running.data, from->actors[actor].data, model_running.program->data_bytes);
    enum model_outcome outcome = run_operations();
    if (outcome == MODEL_OVER)
        model_self()->phase = MODEL_ENDED;
    if (outcome == MODEL_OVER || outcome == MODEL_FINISHED)
        model_self()->logged = 0;
    model_running.result.steps += !peeking;
    return outcome;
}

/* The next choices in order; false where all were made. */
static bool next_choices(model_choices *choices)
{
    while (choices->count > 0) {
        uint8_t last = choices->count - 1;
        if (++choices->value[last] < choices->of[last])
            return true;
        choices->count = last;
    }
    return false;
}

/* ---- the search ---- */

enum { MODEL_DEPTH = 20000, MODEL_STOP = 0xFE, MODEL_TIMEOUT = 0xFD };

/* The states from the beginning to here, and what led from each to the next. */
static model_state *way[MODEL_DEPTH];
static struct {
    uint8_t actor, event; /* 0: a step */
    model_choices choices;
} led[MODEL_DEPTH];

static void search(unsigned depth);

static void search_next(unsigned depth, unsigned actor, uint8_t event, const model_choices *choices)
{
    settle();
    if (!meet(&model_running.now))
        return;
    if (depth + 1 == MODEL_DEPTH) {
        fprintf(stderr, "the model goes too deep\n");
        exit(2);
    }
    if (!way[depth + 1])
        way[depth + 1] = need(calloc(1, sizeof **way));
    copy_state(way[depth + 1], &model_running.now);
    led[depth].actor = (uint8_t)actor;
    led[depth].event = event;
    led[depth].choices = *choices;
    search(depth + 1);
}

static bool violated(void)
{
    return model_running.result.violated[0] != 0;
}

/* Whether the actor had a way to go on, be it one that turned out to contradict itself. */
static bool search_steps(unsigned depth, unsigned actor)
{
    model_choices choices = {0};
    bool went = false;
    do {
        model_running.choices = choices;
        enum model_outcome outcome = step(way[depth], actor, false);
        choices = model_running.choices;
        if (outcome == MODEL_VIOLATED) {
            led[depth].actor = (uint8_t)actor;
            led[depth].event = 0;
            led[depth].choices = choices;
            model_running.result.depth = depth;
            return true;
        }
        went |= outcome != MODEL_BLOCKED;
        if (outcome != MODEL_BLOCKED && outcome != MODEL_ABANDONED)
            search_next(depth, actor, 0, &choices);
    } while (!violated() && next_choices(&choices));
    return went;
}

/* The actor's process dies before its next step, or its sleep ends at the deadline. */
static void search_event(unsigned depth, unsigned actor, uint8_t event)
{
    static const model_choices none;
    copy_state(&model_running.now, way[depth]);
    model_actor *self = &model_running.now.actors[actor];
    self->phase = event == MODEL_STOP ? MODEL_STOPPED : MODEL_READY;
    self->bed = 0;
    if (event == MODEL_TIMEOUT) {
        self->log[self->logged++] = false;
    } else {
        self->logged = 0;
        model_running.program->stop(&model_running.now, actor);
    }
    search_next(depth, actor, event, &none);
}

/* The first actor that is about to store, to end, or to fail a check; else how many there are. */
static unsigned first_storing(const model_state *state)
{
    const model_program *program = model_running.program;
    unsigned actor = program->plain ? program->actors : 0;
    for (; actor < program->actors; actor++) {
        if (state->actors[actor].phase != MODEL_READY)
            continue;
        enum model_outcome next = step(state, actor, true);
        model_running.result.violated[0] = 0; /* the step itself will say so */
        if (next == MODEL_ABOUT_TO_STORE || next == MODEL_OVER || next == MODEL_VIOLATED)
            break;
    }
    return actor;
}

/* Nobody is ready: all have ended, or some sleep, or nobody can ever go on. */
static void search_end(unsigned depth, bool asleep)
{
    const model_state *state = way[depth];
    copy_state(&model_running.now, state);
    model_running.result.depth = depth;
    led[depth].event = MODEL_STOP;
    led[depth].actor = MODEL_ACTORS;
    if (setjmp(model_running.out))
        return;
    if (asleep) {
        model_running.program->quiet(state);
        return;
    }
    for (unsigned actor = 0; actor < model_running.program->actors; actor++)
        if (state->actors[actor].phase == MODEL_READY)
            model_violated("stuck", "actor %u can never go on", actor);
    model_running.result.executions++;
    model_running.program->ended(state);
}

static void search(unsigned depth)
{
    const model_program *program = model_running.program;
    const model_state *state = way[depth];
    unsigned storing = first_storing(state);
    bool went = false, asleep = false;
    model_running.result.states++;
    for (unsigned actor = 0; actor < program->actors && !violated(); actor++) {
        if (storing < program->actors && actor != storing)
            continue;
        asleep |= state->actors[actor].phase == MODEL_ASLEEP;
        if (state->actors[actor].phase == MODEL_READY)
            went |= search_steps(depth, actor);
        if (!violated() && state->actors[actor].phase < MODEL_ENDED && program->may_stop(state, actor))
            search_event(depth, actor, MODEL_STOP);
    }
    if (!went && !violated())
        search_end(depth, asleep);
    for (unsigned actor = 0; actor < program->actors && !violated(); actor++)
        if (storing == program->actors && state->actors[actor].phase == MODEL_ASLEEP)
            search_event(depth, actor, MODEL_TIMEOUT);
}

/* ---- the way to a violation ---- */

static void tell_way(unsigned depth)
{
    model_running.tell = true;
    for (unsigned at = 0; at <= depth; at++) {
        if (led[at].event == MODEL_STOP && led[at].actor < MODEL_ACTORS)
            printf("    actor %u dies here\n", led[at].actor);
        else if (led[at].event == MODEL_TIMEOUT)
            printf("    actor %u sleeps past its deadline\n", led[at].actor);
        else if (led[at].event == 0) {
            model_running.choices = led[at].choices;
            step(way[at], led[at].actor, false);
        }
    }
    model_running.tell = false;
}

model_result model_explore(const model_program *program, bool tell)
{
    memset(&model_running.result, 0, sizeof model_running.result);
    model_running.program = program;
    free(met.slots);
    memset(&met, 0, sizeof met);
    if (!way[0])
        way[0] = need(calloc(1, sizeof **way));
    memset(way[0], 0, sizeof **way);
    program->begin(way[0]);
    meet(way[0]);
    search(0);
    if (violated() && tell)
        tell_way(model_running.result.depth);
    return model_running.result;
}
