/* The operations on shared memory that the core is compiled with here, on the machine of views. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replaced.h"
#include "step.h"

#define TOKEN UINT64_C(0xD1CED1CE00000000)
#define TOKEN_MASK UINT64_C(0xFFFFFFFF00000000)

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

/* ---- the log ---- */

static bool replaying(void)
{
    return model_running.position < model_self()->logged;
}

static uint64_t replay(void)
{
    return model_self()->log[model_running.position++];
}

static uint64_t record(uint64_t value)
{
    model_actor *self = model_self();
    if (self->logged == MODEL_LOG)
        model_violated("bounded", "an operation makes more than %d accesses", MODEL_LOG);
    self->log[self->logged++] = value;
    model_running.position++;
    if (self->logged > model_running.result.longest_operation)
        model_running.result.longest_operation = self->logged;
    return value;
}

static _Noreturn void leave(enum model_outcome outcome)
{
    longjmp(model_running.out, outcome);
}

static void peek(enum model_outcome next)
{
    if (model_running.peeking)
        leave(next);
}

static void tell(const char *what, unsigned location, uint64_t value)
{
    char name[48] = "";
    if (!model_running.tell)
        return;
    if (location < MODEL_LOCATIONS)
        model_running.program->name(location, name, sizeof name);
    printf("    actor %u: %s %s = %#" PRIx64 "\n", model_running.actor, what, name, value);
}

/* ---- choices ---- */

static unsigned pick(unsigned count)
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
    if (replaying())
        return (unsigned)replay();
    peek(MODEL_ABOUT_TO_DO_ELSE);
    model_running.loads++;
    return (unsigned)record(pick(count));
}

uint64_t model_observe(uint64_t value)
{
    return replaying() ? replay() : record(value);
}

void model_await(bool condition)
{
    if (replaying()) {
        replay();
        return;
    }
    peek(MODEL_ABOUT_TO_DO_ELSE);
    if (!condition)
        leave(MODEL_BLOCKED);
    record(0);
}

void model_join(unsigned other)
{
    if (replaying()) {
        replay();
        return;
    }
    memory_join(&model_running.now.memory, model_running.actor, other);
    record(0);
}

_Noreturn void model_end(void)
{
    leave(MODEL_OVER);
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
    leave(MODEL_VIOLATED);
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
    tell("has read", self->location, value);
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
        leave(MODEL_ABANDONED);
    return decide(number, fitting[any ? 0 : pick(count)]);
}

void model_close_loads(bool any)
{
    for (unsigned number = 0; number < model_running.load_count; number++)
        if (model_running.load[number].open)
            close_load(number, any);
}

/* Two loads of one location agree on its order: the earlier one is decided before the later one is made. */
static void close_loads_of(unsigned location)
{
    for (unsigned number = 0; number < model_running.load_count; number++)
        if (model_running.load[number].open && model_running.load[number].location == location)
            close_load(number, false);
}

static model_load_made *note_load(unsigned location, unsigned index)
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

/* ---- the operations ---- */

static uint64_t load(const volatile void *at, enum model_order order)
{
    if (replaying())
        return replay();
    unsigned location = model_location(at);
    model_memory *memory = &model_running.now.memory;
    unsigned oldest = memory_oldest(memory, model_running.actor, location);
    unsigned newest = memory_count(memory, location) - 1;
    if (newest > oldest || !model_running.program->owns(model_running.actor, model_running.data, location)) {
        peek(MODEL_ABOUT_TO_DO_ELSE);
        model_running.loads++;
        close_loads_of(location);
        oldest = memory_oldest(memory, model_running.actor, location);
    }
    if (later[location] && order == MODEL_RELAXED && newest > oldest && !model_running.program->plain) {
        model_load_made *made = note_load(location, oldest);
        made->newest = (uint8_t)newest;
        made->open = true;
        return record(TOKEN | (model_running.load_count - 1));
    }
    unsigned index = oldest + pick(newest - oldest + 1);
    note_load(location, index);
    uint64_t value = record(memory_read(memory, model_running.actor, location, index, order));
    tell(order == MODEL_ACQUIRE ? "load, acquire," : "load", location, value);
    if (model_running.program->plain)
        leave(MODEL_PAUSED);
    return value;
}

static void pause_here(uint64_t value)
{
    record(value);
    leave(MODEL_PAUSED);
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
    return places[pick(count)];
}

static void store(volatile void *at, uint64_t value, enum model_order order)
{
    if (replaying()) {
        replay();
        return;
    }
    model_close_loads(false);
    peek(MODEL_ABOUT_TO_STORE);
    unsigned location = model_location(at), index = choose_place(location);
    tell(order == MODEL_RELEASE ? "store, release," : "store", location, value);
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
    return sources[pick(count)];
}

static void update(unsigned location, unsigned index, uint64_t value, enum model_order order)
{
    tell("update", location, value);
    model_running.program->stored(model_running.actor, model_running.data, location, index + 1, value);
    memory_update(&model_running.now.memory, model_running.actor, location, index, value, order);
}

static bool replace(volatile void *at, uint64_t expected, uint64_t value, enum model_order order)
{
    if (replaying())
        return replay();
    peek(MODEL_ABOUT_TO_DO_ELSE);
    model_close_loads(false);
    unsigned location = model_location(at), index = choose_source(location, false, expected);
    bool equal = memory_message(&model_running.now.memory, location, index)->value == expected;
    if (equal)
        update(location, index, value, order);
    else
        tell("replace fails:", location, memory_read(&model_running.now.memory, model_running.actor, location, index, MODEL_RELAXED));
    pause_here(equal);
    return equal;
}

static void add(volatile void *at, uint64_t addend)
{
    if (replaying()) {
        replay();
        return;
    }
    peek(MODEL_ABOUT_TO_DO_ELSE);
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
    if (replaying()) {
        replay();
        return;
    }
    peek(MODEL_ABOUT_TO_DO_ELSE);
    model_running.fences++;
    memory_fence_acquire(&model_running.now.memory, model_running.actor);
    tell("fence, acquire", MODEL_LOCATIONS, 0);
    record(0);
}

void scope_fence_release(void)
{
    if (replaying()) {
        replay();
        return;
    }
    model_close_loads(false);
    memory_fence_release(&model_running.now.memory, model_running.actor);
    tell("fence, release", MODEL_LOCATIONS, 0);
    record(0);
}

void scope_fence_full(void)
{
    if (replaying()) {
        replay();
        return;
    }
    bool alone = model_running.program->owns(model_running.actor, model_running.data, MODEL_FULL_FENCES);
    peek(alone ? MODEL_ABOUT_TO_STORE : MODEL_ABOUT_TO_DO_ELSE);
    model_close_loads(false);
    memory_fence_full(&model_running.now.memory, model_running.actor);
    tell("fence, full", MODEL_LOCATIONS, 0);
    pause_here(0);
}

/* The kernel compares and sleeps in one; whether the deadline passes first is the explorer's to choose. */
bool scope_futex_wait(scope_futex *at, uint32_t expected, uint64_t deadline_ns)
{
    (void)deadline_ns;
    if (replaying())
        return replay();
    peek(MODEL_ABOUT_TO_DO_ELSE);
    model_close_loads(false);
    unsigned location = model_location(at);
    /* a thread's loads of one location do not go back behind the kernel's, which is made for it */
    unsigned newest = memory_count(&model_running.now.memory, location) - 1;
    if (memory_read(&model_running.now.memory, model_running.actor, location, newest, MODEL_RELAXED) != expected)
        pause_here(true);
    tell("sleeps on", location, expected);
    model_self()->phase = MODEL_ASLEEP;
    model_self()->bed = (uint8_t)location;
    leave(MODEL_PAUSED);
}

void scope_futex_wake(scope_futex *at)
{
    if (replaying()) {
        replay();
        return;
    }
    peek(MODEL_ABOUT_TO_DO_ELSE);
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
    tell("wakes who sleeps on", location, 0);
    pause_here(0);
}
