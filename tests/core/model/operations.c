/* The operations on shared memory that the core is compiled with here, on the machine of views. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replaced.h"
#include "step.h"

enum { GRAIN = 4, MAPPED = 16384 };

/* Numbers of locations by address, plus one; all addresses are of one region. */
static uint8_t numbers[MAPPED];
static bool later[MODEL_LOCATIONS];
static const volatile uint8_t *region;
static unsigned mapped;

void model_map_clear(void)
{
    memset(numbers, 0, sizeof numbers);
    mapped = 0;
    region = NULL;
}

unsigned model_map(const volatile void *at, unsigned count, unsigned bytes, bool examined_later)
{
    const volatile uint8_t *address = at;
    unsigned first = mapped;
    if (!region)
        region = address;
    for (unsigned each = 0; each < count; each++, address += bytes) {
        if (address < region || (size_t)(address - region) / GRAIN >= MAPPED || mapped == MODEL_LOCATIONS) {
            fprintf(stderr, "the model's map is too small\n");
            exit(2);
        }
        later[mapped] = examined_later;
        numbers[(address - region) / GRAIN] = (uint8_t)++mapped;
    }
    return first;
}

unsigned model_location(const volatile void *at)
{
    size_t offset = (size_t)((const volatile uint8_t *)at - region);
    if (offset / GRAIN >= MAPPED || !numbers[offset / GRAIN])
        model_violated("outside", "offset %zu of shared memory is nobody's to touch", offset);
    return numbers[offset / GRAIN] - 1U;
}

/* ---- the operations ---- */

static uint64_t load(const volatile void *at, enum model_order order)
{
    if (step_replaying())
        return step_replay();
    unsigned location = model_location(at);
    model_memory *memory = &model_running.now.memory;
    unsigned oldest = memory_oldest(memory, model_running.actor, location);
    unsigned newest = memory_count(memory, location) - 1;
    if (newest > oldest || !model_running.program->owns(model_running.actor, model_running.data, location)) {
        step_peek(MODEL_ABOUT_TO_DO_ELSE);
        model_running.loads++;
        step_close_loads(location);
        oldest = memory_oldest(memory, model_running.actor, location);
    }
    if (later[location] && order == MODEL_RELAXED && newest > oldest && !model_running.program->plain)
        return step_load_later(location, oldest, newest);
    unsigned index = oldest + step_pick(newest - oldest + 1);
    step_note_load(location, index);
    uint64_t value = step_record(memory_read(memory, model_running.actor, location, index, order));
    step_tell(order == MODEL_ACQUIRE ? "load, acquire," : "load", location, value);
    if (model_running.program->plain)
        step_leave(MODEL_PAUSED);
    return value;
}

static void pause_here(uint64_t value)
{
    step_record(value);
    step_leave(MODEL_PAUSED);
}

/* The place of a new message: after all that the actor has seen, of what others did not glue together. */
static unsigned choose_place(unsigned location)
{
    const model_memory *memory = &model_running.now.memory;
    uint8_t places[UINT8_MAX];
    unsigned count = 0;
    for (unsigned index = memory_count(memory, location); index > 0; index--)
        if (memory_may_write(memory, model_running.actor, location, index))
            places[count++] = (uint8_t)index;
    return places[step_pick(count)];
}

/* Where the store was made early, ends the step as if it were made now; where it cannot have been, the run that said so. */
static void keep_promise(unsigned location, uint64_t value, enum model_order order)
{
    const model_program *program = model_running.program;
    enum model_promise promise =
        program->promised ? program->promised(model_running.actor, location, value, order) : MODEL_NO_PROMISE;
    if (promise == MODEL_PROMISE_BROKEN)
        step_leave(MODEL_ABANDONED);
    if (promise == MODEL_PROMISE_KEPT)
        pause_here(0);
}

void model_store_early(volatile void *at, uint64_t value)
{
    if (step_replaying()) {
        step_replay();
        return;
    }
    step_peek(MODEL_ABOUT_TO_DO_ELSE);
    unsigned location = model_location(at), index = choose_place(location);
    step_tell("store, early,", location, value);
    memory_write(&model_running.now.memory, model_running.actor, location, index, value, MODEL_RELAXED);
    pause_here(0);
}

static void store(volatile void *at, uint64_t value, enum model_order order)
{
    if (step_replaying()) {
        step_replay();
        return;
    }
    model_close_loads(false);
    step_peek(MODEL_ABOUT_TO_STORE);
    unsigned location = model_location(at), index = choose_place(location);
    keep_promise(location, value, order);
    step_tell(order == MODEL_RELEASE ? "store, release," : "store", location, value);
    model_running.program->stored(model_running.actor, model_running.data, location, index, value);
    memory_write(&model_running.now.memory, model_running.actor, location, index, value, order);
    pause_here(0);
}

/* Messages that a read-modify-write may read: those whose value is replaced only where nobody replaced it. */
static unsigned choose_source(unsigned location, bool any_value, uint64_t expected)
{
    const model_memory *memory = &model_running.now.memory;
    uint8_t sources[UINT8_MAX];
    unsigned count = 0;
    for (unsigned index = memory_count(memory, location); index-- > memory_oldest(memory, model_running.actor, location);)
        if ((!any_value && memory_message(memory, location, index)->value != expected)
            || memory_may_update(memory, model_running.actor, location, index))
            sources[count++] = (uint8_t)index;
    return sources[step_pick(count)];
}

static void update(unsigned location, unsigned index, uint64_t value, enum model_order order)
{
    step_tell("update", location, value);
    model_running.program->stored(model_running.actor, model_running.data, location, index + 1, value);
    memory_update(&model_running.now.memory, model_running.actor, location, index, value, order);
}

static bool replace(volatile void *at, uint64_t expected, uint64_t value, enum model_order order)
{
    if (step_replaying())
        return step_replay();
    step_peek(MODEL_ABOUT_TO_DO_ELSE);
    model_close_loads(false);
    unsigned location = model_location(at), index = choose_source(location, false, expected);
    bool equal = memory_message(&model_running.now.memory, location, index)->value == expected;
    if (equal)
        update(location, index, value, order);
    else
        step_tell("replace fails:", location, memory_read(&model_running.now.memory, model_running.actor, location, index, MODEL_RELAXED));
    pause_here(equal);
    return equal;
}

static void add(volatile void *at, uint64_t addend)
{
    if (step_replaying()) {
        step_replay();
        return;
    }
    step_peek(MODEL_ABOUT_TO_DO_ELSE);
    model_close_loads(false);
    unsigned location = model_location(at), index = choose_source(location, true, 0);
    update(location, index, memory_message(&model_running.now.memory, location, index)->value + addend, MODEL_RELAXED);
    pause_here(0);
}

uint64_t scope_load_relaxed(const scope_word *at)
{
    return load(at, MODEL_RELAXED);
}

uint64_t scope_load_acquire(const scope_word *at)
{
    return load(at, MODEL_ACQUIRE);
}

uint32_t scope_load_relaxed32(const _Atomic uint32_t *at)
{
    return (uint32_t)load(at, MODEL_RELAXED);
}

uint32_t scope_load_acquire32(const _Atomic uint32_t *at)
{
    return (uint32_t)load(at, MODEL_ACQUIRE);
}

void scope_store_relaxed(scope_word *at, uint64_t value)
{
    store(at, value, MODEL_RELAXED);
}

void scope_store_release(scope_word *at, uint64_t value)
{
    store(at, value, MODEL_RELEASE);
}

void scope_store_relaxed32(_Atomic uint32_t *at, uint32_t value)
{
    store(at, value, MODEL_RELAXED);
}

void scope_store_release32(_Atomic uint32_t *at, uint32_t value)
{
    store(at, value, MODEL_RELEASE);
}

bool scope_replace_acquire(scope_word *at, uint64_t expected, uint64_t value)
{
    return replace(at, expected, value, MODEL_ACQUIRE);
}

void scope_add_relaxed(scope_word *at, uint64_t addend)
{
    add(at, addend);
}

void scope_fence_acquire(void)
{
    if (step_replaying()) {
        step_replay();
        return;
    }
    step_peek(MODEL_ABOUT_TO_DO_ELSE);
    model_running.fences++;
    memory_fence_acquire(&model_running.now.memory, model_running.actor);
    step_tell("fence, acquire", MODEL_LOCATIONS, 0);
    step_record(0);
}

void scope_fence_release(void)
{
    if (step_replaying()) {
        step_replay();
        return;
    }
    model_close_loads(false);
    memory_fence_release(&model_running.now.memory, model_running.actor);
    step_tell("fence, release", MODEL_LOCATIONS, 0);
    step_record(0);
}

void scope_fence_full(void)
{
    if (step_replaying()) {
        step_replay();
        return;
    }
    bool alone = model_running.program->owns(model_running.actor, model_running.data, MODEL_FULL_FENCES);
    step_peek(alone ? MODEL_ABOUT_TO_STORE : MODEL_ABOUT_TO_DO_ELSE);
    model_close_loads(false);
    memory_fence_full(&model_running.now.memory, model_running.actor);
    step_tell("fence, full", MODEL_LOCATIONS, 0);
    pause_here(0);
}

/* The kernel compares and sleeps in one; whether the deadline passes first is the explorer's to choose. */
bool scope_futex_wait(scope_futex *at, uint32_t expected, uint64_t deadline_ns)
{
    (void)deadline_ns;
    if (step_replaying())
        return step_replay();
    step_peek(MODEL_ABOUT_TO_DO_ELSE);
    model_close_loads(false);
    unsigned location = model_location(at);
    /* a thread's loads of one location do not go back behind the kernel's, which is made for it */
    unsigned newest = memory_count(&model_running.now.memory, location) - 1;
    if (memory_read(&model_running.now.memory, model_running.actor, location, newest, MODEL_RELAXED) != expected)
        pause_here(true);
    step_tell("sleeps on", location, expected);
    model_self()->phase = MODEL_ASLEEP;
    model_self()->bed = (uint8_t)location;
    step_leave(MODEL_PAUSED);
}

void scope_futex_wake(scope_futex *at)
{
    if (step_replaying()) {
        step_replay();
        return;
    }
    step_peek(MODEL_ABOUT_TO_DO_ELSE);
    model_close_loads(false);
    unsigned location = model_location(at);
    for (unsigned actor = 0; actor < MODEL_ACTORS; actor++) {
        model_actor *other = &model_running.now.actors[actor];
        if (other->phase == MODEL_ASLEEP && other->bed == location) {
            other->phase = MODEL_READY;
            other->bed = 0;
            other->log[other->logged++] = true;
        }
    }
    step_tell("wakes who sleeps on", location, 0);
    pause_here(0);
}
