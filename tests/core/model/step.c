/* What a step of an actor is made of: the log, choices, and loads that are decided later. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replaced.h"
#include "step.h"

#define TOKEN UINT64_C(0xD1CED1CE00000000)
#define TOKEN_MASK UINT64_C(0xFFFFFFFF00000000)

/* ---- the log ---- */

bool step_replaying(void)
{
    return model_running.position < model_self()->logged;
}

uint64_t step_replay(void)
{
    return model_self()->log[model_running.position++];
}

uint64_t step_record(uint64_t value)
{
    model_actor *self = model_self();
    if (self->logged == MODEL_LOG)
        model_violated("bounded", "an operation makes more than %d accesses", MODEL_LOG);
    self->log[self->logged++] = value;
    model_running.position++;
    return value;
}

_Noreturn void step_leave(enum model_outcome outcome)
{
    longjmp(model_running.out, outcome);
}

void step_peek(enum model_outcome next)
{
    if (model_running.peeking)
        step_leave(next);
}

void step_tell(const char *what, unsigned location, uint64_t value)
{
    char name[48] = "";
    if (!model_running.tell)
        return;
    if (location < MODEL_LOCATIONS)
        model_running.program->name(location, name, sizeof name);
    printf("    actor %u: %s %s = %#" PRIx64 "\n", model_running.actor, what, name, value);
}

/* ---- choices ---- */

unsigned step_pick(unsigned count)
{
    model_choices *choices = &model_running.choices;
    if (count <= 1)
        return 0;
    if (choices->made == choices->count) {
        if (choices->count == MODEL_CHOICES) {
            fprintf(stderr, "too many choices in a step of the model\n");
            exit(2);
        }
        choices->of[choices->count] = (uint8_t)count;
        choices->value[choices->count++] = 0;
    }
    return choices->value[choices->made++];
}

unsigned model_choose(unsigned count)
{
    if (step_replaying())
        return (unsigned)step_replay();
    step_peek(MODEL_ABOUT_TO_DO_ELSE);
    model_running.loads++;
    return (unsigned)step_record(step_pick(count));
}

uint64_t model_observe(uint64_t value)
{
    return step_replaying() ? step_replay() : step_record(value);
}

void model_await(bool condition)
{
    if (step_replaying()) {
        step_replay();
        return;
    }
    step_peek(MODEL_ABOUT_TO_DO_ELSE);
    if (!condition)
        step_leave(MODEL_BLOCKED);
    step_record(0);
}

void model_join(unsigned other)
{
    if (step_replaying()) {
        step_replay();
        return;
    }
    memory_join(&model_running.now.memory, model_running.actor, other);
    step_record(0);
}

_Noreturn void model_end(void)
{
    step_leave(MODEL_OVER);
}

unsigned model_accesses(void)
{
    return model_running.position;
}

model_state *model_now(void)
{
    return &model_running.now;
}

_Noreturn void model_violated(const char *check, const char *format, ...)
{
    va_list arguments;
    snprintf(model_running.result.violated, sizeof model_running.result.violated, "%s", check);
    va_start(arguments, format);
    vsnprintf(model_running.result.message, sizeof model_running.result.message, format, arguments);
    va_end(arguments);
    step_leave(MODEL_VIOLATED);
}

/* ---- loads that are decided later ---- */

/* Whether load `number` may have read message `index`: everything that came with it was seen after the next fence. */
static bool fits(unsigned number, unsigned index)
{
    const model_load_made *self = &model_running.load[number];
    const model_view *with = memory_view(&model_running.now.memory, self->location, index);
    for (unsigned each = number + 1; each < model_running.load_count; each++) {
        const model_load_made *after = &model_running.load[each];
        unsigned newest = after->open ? after->newest : after->index;
        if (after->fences > self->fences && newest < with->at[after->location])
            return false;
    }
    return true;
}

/* Decides that load `number` read message `index`. */
static uint64_t decide(unsigned number, unsigned index)
{
    model_load_made *self = &model_running.load[number];
    model_memory *memory = &model_running.now.memory;
    model_view with = *memory_view(memory, self->location, index);
    self->open = false;
    self->index = (uint8_t)index;
    for (unsigned each = number + 1; each < model_running.load_count; each++) {
        model_load_made *after = &model_running.load[each];
        if (after->open && after->fences > self->fences && after->index < with.at[after->location])
            after->index = with.at[after->location];
    }
    /* a fence since then has made it seen, like an acquire load */
    enum model_order order = model_running.fences > self->fences ? MODEL_ACQUIRE : MODEL_RELAXED;
    uint64_t value = memory_read(memory, model_running.actor, self->location, index, order);
    step_tell("has read", self->location, value);
    return model_self()->log[self->logged] = value;
}

static uint64_t close_load(unsigned number, bool any)
{
    const model_load_made *self = &model_running.load[number];
    uint8_t fitting[UINT8_MAX];
    unsigned count = 0;
    for (unsigned index = self->index; index <= self->newest; index++)
        if (fits(number, index))
            fitting[count++] = (uint8_t)index;
    if (count == 0)
        step_leave(MODEL_ABANDONED);
    return decide(number, fitting[any ? 0 : step_pick(count)]);
}

void model_close_loads(bool any)
{
    for (unsigned number = 0; number < model_running.load_count; number++)
        if (model_running.load[number].open)
            close_load(number, any);
}

void step_close_loads(unsigned location)
{
    for (unsigned number = 0; number < model_running.load_count; number++)
        if (model_running.load[number].open && model_running.load[number].location == location)
            close_load(number, false);
}

model_load_made *step_note_load(unsigned location, unsigned index)
{
    if (model_running.load_count == MODEL_PENDING) {
        fprintf(stderr, "too many loads in a step of the model\n");
        exit(2);
    }
    model_load_made *made = &model_running.load[model_running.load_count++];
    *made = (model_load_made){
        .location = (uint8_t)location,
        .index = (uint8_t)index,
        .fences = (uint8_t)model_running.fences,
        .logged = (uint16_t)model_running.position,
    };
    return made;
}

uint64_t step_load_later(unsigned location, unsigned oldest, unsigned newest)
{
    model_load_made *made = step_note_load(location, oldest);
    made->newest = (uint8_t)newest;
    made->open = true;
    return step_record(TOKEN | (model_running.load_count - 1));
}

uint64_t model_examine(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    if ((value & TOKEN_MASK) != TOKEN)
        return value;
    unsigned number = (unsigned)(value & ~TOKEN_MASK);
    if (number >= model_running.load_count)
        model_violated("stale", "a copy is examined in another operation than the one that made it");
    if (model_running.load[number].open)
        return close_load(number, false);
    return model_self()->log[model_running.load[number].logged];
}
