/* The machine of views. What it is is told in memory.h. */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *what)
{
    fprintf(stderr, "the model's memory is too small: %s\n", what);
    exit(2);
}

void memory_reset(model_memory *memory, unsigned locations)
{
    if (locations > MODEL_LOCATIONS)
        give_up("locations");
    memset(memory, 0, sizeof *memory);
    memory->locations = (uint16_t)locations;
    memory->views = 1;
    for (unsigned location = 0; location <= locations; location++)
        memory->first[location] = (uint16_t)location;
}

void memory_see(const model_memory *memory, model_view *view, const model_view *more)
{
    for (unsigned location = 0; location < memory->locations; location++)
        if (more->at[location] > view->at[location])
            view->at[location] = more->at[location];
}

static void see_message(model_view *view, unsigned location, unsigned index)
{
    if (index > view->at[location])
        view->at[location] = (uint8_t)index;
}

uint64_t memory_read(model_memory *memory, unsigned actor, unsigned location, unsigned index, enum model_order order)
{
    model_sight *sight = &memory->sights[actor];
    const model_view *with = memory_view(memory, location, index);
    see_message(&sight->seen, location, index);
    see_message(&sight->read, location, index);
    memory_see(memory, &sight->read, with);
    if (order == MODEL_ACQUIRE)
        memory_see(memory, &sight->seen, with);
    return memory_message(memory, location, index)->value;
}

bool memory_may_write(const model_memory *memory, unsigned actor, unsigned location, unsigned index)
{
    unsigned count = memory_count(memory, location);
    if (index <= memory_oldest(memory, actor, location) || index > count)
        return false;
    return index == count || !memory_message(memory, location, index)->glued;
}

bool memory_may_update(const model_memory *memory, unsigned actor, unsigned location, unsigned index)
{
    return memory_may_write(memory, actor, location, index + 1);
}

/* Makes every view that is at or beyond `index` count one message more. */
static void shift_views(model_memory *memory, unsigned location, unsigned index)
{
    model_view *views[3 * MODEL_ACTORS + 1];
    unsigned count = 0;
    views[count++] = &memory->full;
    for (unsigned actor = 0; actor < MODEL_ACTORS; actor++) {
        views[count++] = &memory->sights[actor].seen;
        views[count++] = &memory->sights[actor].read;
        views[count++] = &memory->sights[actor].fenced;
    }
    for (unsigned each = 0; each < count; each++)
        views[each]->at[location] += views[each]->at[location] >= index;
    for (unsigned each = 0; each < memory->views; each++)
        memory->pool[each].at[location] += memory->pool[each].at[location] >= index;
}

static model_message *insert(model_memory *memory, unsigned location, unsigned index)
{
    unsigned at = memory->first[location] + index, all = memory->first[memory->locations];
    if (all == MODEL_MESSAGES || memory_count(memory, location) == UINT8_MAX)
        give_up("messages");
    if (index < memory_count(memory, location))
        shift_views(memory, location, index);
    memmove(&memory->messages[at + 1], &memory->messages[at], (all - at) * sizeof *memory->messages);
    for (unsigned later = location + 1; later <= memory->locations; later++)
        memory->first[later]++;
    return &memory->messages[at];
}

/* The number of a view in the pool that equals `view`. */
static uint8_t pooled(model_memory *memory, const model_view *view)
{
    for (unsigned each = 0; each < memory->views; each++)
        if (memcmp(&memory->pool[each], view, memory->locations) == 0)
            return (uint8_t)each;
    if (memory->views == MODEL_VIEWS)
        give_up("views");
    memory->pool[memory->views] = *view;
    return (uint8_t)memory->views++;
}

void memory_write(model_memory *memory, unsigned actor, unsigned location, unsigned index, uint64_t value,
                  enum model_order order)
{
    model_message *message = insert(memory, location, index);
    model_sight *sight = &memory->sights[actor];
    see_message(&sight->seen, location, index);
    see_message(&sight->read, location, index);
    uint8_t view = pooled(memory, order == MODEL_RELEASE ? &sight->seen : &sight->fenced);
    *message = (model_message){.value = value, .view = view};
}

void memory_update(model_memory *memory, unsigned actor, unsigned location, unsigned index, uint64_t value,
                   enum model_order order)
{
    model_view with = *memory_view(memory, location, index);
    memory_read(memory, actor, location, index, order);
    model_message *message = insert(memory, location, index + 1);
    model_sight *sight = &memory->sights[actor];
    see_message(&sight->seen, location, index + 1);
    see_message(&sight->read, location, index + 1);
    /* a read-modify-write continues the release sequence that it read from */
    memory_see(memory, &with, &sight->fenced);
    uint8_t view = pooled(memory, &with);
    *message = (model_message){.value = value, .view = view, .glued = true};
}

void memory_fence_acquire(model_memory *memory, unsigned actor)
{
    memory->sights[actor].seen = memory->sights[actor].read;
}

void memory_fence_release(model_memory *memory, unsigned actor)
{
    memory->sights[actor].fenced = memory->sights[actor].seen;
}

void memory_fence_full(model_memory *memory, unsigned actor)
{
    model_sight *sight = &memory->sights[actor];
    memory_see(memory, &memory->full, &sight->read);
    sight->seen = sight->read = sight->fenced = memory->full;
}

void memory_join(model_memory *memory, unsigned actor, unsigned other)
{
    memory_see(memory, &memory->sights[actor].seen, &memory->sights[other].seen);
    memory_see(memory, &memory->sights[actor].read, &memory->sights[other].seen);
}

static void forget(const model_memory *memory, model_view *view, const model_view *base)
{
    for (unsigned location = 0; location < memory->locations; location++)
        view->at[location] = view->at[location] > base->at[location] ? view->at[location] - base->at[location] : 0;
}

/* Drops the messages below `base`, and counts all views from it. */
static void drop(model_memory *memory, const model_view *base)
{
    unsigned to = 0;
    for (unsigned location = 0; location < memory->locations; location++) {
        unsigned from = memory->first[location] + base->at[location], end = memory->first[location + 1];
        memory->first[location] = (uint16_t)to;
        memory->messages[from].glued = false;
        memmove(&memory->messages[to], &memory->messages[from], (end - from) * sizeof *memory->messages);
        to += end - from;
    }
    memory->first[memory->locations] = (uint16_t)to;
    forget(memory, &memory->full, base);
    for (unsigned actor = 0; actor < MODEL_ACTORS; actor++) {
        forget(memory, &memory->sights[actor].seen, base);
        forget(memory, &memory->sights[actor].read, base);
        forget(memory, &memory->sights[actor].fenced, base);
    }
    for (unsigned view = 1; view < memory->views; view++)
        forget(memory, &memory->pool[view], base);
}

/* Keeps one of equal views, in the order in which messages name them. */
static void compact_pool(model_memory *memory)
{
    static model_view old[MODEL_VIEWS];
    uint8_t renamed[MODEL_VIEWS] = {0};
    memcpy(old, memory->pool, memory->views * sizeof *old);
    memory->views = 1;
    for (unsigned each = 0; each < memory->first[memory->locations]; each++) {
        uint8_t *view = &memory->messages[each].view;
        if (*view && !renamed[*view])
            renamed[*view] = pooled(memory, &old[*view]) + 1;
        *view = *view ? renamed[*view] - 1 : 0;
    }
}

void memory_settle(model_memory *memory, unsigned alive)
{
    model_view base;
    bool any = false;
    memset(&base, UINT8_MAX, sizeof base);
    for (unsigned location = 0; location < memory->locations; location++) {
        unsigned least = memory_count(memory, location) - 1;
        for (unsigned actor = 0; actor < MODEL_ACTORS; actor++)
            if (alive & 1U << actor && memory_oldest(memory, actor, location) < least)
                least = memory_oldest(memory, actor, location);
        base.at[location] = (uint8_t)least;
        any |= least > 0;
    }
    if (any)
        drop(memory, &base);
    compact_pool(memory);
}
