/* The small segment, and what the core asks of the system: a clock that stands, a disk that may be full. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const world_scenario *world_running;
scope_segment world_segment;

static struct {
    _Alignas(64) scope_control_page control;
    scope_lane_control lanes[WORLD_LANES];
    scope_word definitions[WORLD_DEFINITIONS_BYTES / 8];
    scope_word data[WORLD_LANES][WORLD_LANE_BYTES / 8];
    scope_word hand;
} memory;

scope_word *world_hand(void)
{
    return &memory.hand;
}

static void lay_out(void)
{
    const uint8_t *base = (const uint8_t *)&memory;
    scope_segment_header header = {
        .lanes = world_running->lanes,
        .block_bytes = WORLD_BLOCK_BYTES,
        .policy = world_running->policy,
        .data_offset = (uint64_t)((const uint8_t *)memory.data - base),
        .first_lane_bytes = WORLD_LANE_BYTES,
        .lane_bytes = WORLD_LANE_BYTES,
        .definitions_offset = (uint64_t)((const uint8_t *)memory.definitions - base),
        .definitions_bytes = WORLD_DEFINITIONS_BYTES,
    };
    world_segment = (scope_segment){
        .base = (uint8_t *)&memory,
        .fd = -1,
        .header = header,
        .control = &memory.control,
        .lanes = memory.lanes,
        .definitions = memory.definitions,
        .definitions_allocated = WORLD_DEFINITIONS_BYTES,
        .block_ns = SCOPE_BLOCK_NS,
    };
}

static unsigned map_lane(uint32_t lane)
{
    scope_lane_control *control = &memory.lanes[lane];
    model_map(&control->ownership, 1, 8, false);
    model_map(&control->tail, 3, 8, false); /* tail, intent, sequence */
    model_map(control->lost, SCOPE_LOSS_REASONS, 8, false);
    model_map(&control->head, 1, 8, false);
    model_map(&control->futex, 1, 4, false);
    model_map(&control->waiters, 1, 4, false);
    return model_map(memory.data[lane], WORLD_LANE_BYTES / 8, 8, true) + WORLD_LANE_BYTES / 8;
}

void world_begin(model_state *state)
{
    unsigned locations = 0;
    lay_out();
    model_map_clear();
    model_map(&memory.control.control, 1, 8, false);
    model_map(&memory.control.definitions_tail, 2, 8, false);
    model_map(memory.control.lost, SCOPE_LOSS_REASONS, 8, false);
    model_map(memory.definitions, WORLD_DEFINITIONS_BYTES / 8, 8, true);
    model_map(&memory.hand, 1, 8, false);
    for (uint32_t lane = 0; lane < world_running->lanes; lane++)
        locations = map_lane(lane);
    memory_reset(&state->memory, locations);
    world_ghost_of(state)->restarts = world_running->restarts;
    ((world_collector *)state->actors[0].data)->passes = world_running->passes;
}

static bool within(unsigned location, const volatile void *at, unsigned count)
{
    unsigned first = model_location(at);
    return location >= first && location < first + count;
}

/* Whether another actor than `self` defines sites: only one thread of a scenario does. */
static bool others_define(unsigned self)
{
    for (unsigned actor = 1; actor <= world_writers(); actor++)
        if (actor != self && strchr(world_running->writers[actor - 1], 'D'))
            return true;
    return false;
}

bool world_may_wait(void)
{
    return world_running->policy == SCOPE_BLOCK_WRITER
           || (world_running->steered && world_running->steered_to == SCOPE_BLOCK_WRITER);
}

static bool owns_in_lane(unsigned actor, const void *data, uint32_t lane, unsigned location)
{
    const scope_lane_control *control = &world_segment.lanes[lane];
    if (location == model_location(&control->head) || location == model_location(&control->futex))
        return actor == 0;
    if (location == model_location(&control->waiters) && !world_may_wait())
        return true;
    uint64_t ownership = memory_latest(&model_now()->memory, model_location(&control->ownership));
    (void)data;
    return actor > 0 && scope_lane_state(ownership) == SCOPE_LANE_OWNED && ownership >> 32 == world_thread(actor);
}

bool world_owns(unsigned actor, const void *data, unsigned location)
{
    if (location == MODEL_FULL_FENCES)
        return !world_may_wait();
    for (uint32_t lane = world_running->lanes; lane-- > 0;)
        if (location >= model_location(&memory.lanes[lane].ownership))
            return owns_in_lane(actor, data, lane, location);
    if (location == model_location(&memory.control.control))
        return actor == 0 || !world_running->steered;
    return location != model_location(&memory.hand) && !others_define(actor);
}

unsigned world_writers(void)
{
    unsigned count = 0;
    while (count < WORLD_WRITERS && world_running->writers[count])
        count++;
    return count;
}

static void name_in_lane(unsigned location, uint32_t lane, char *text, size_t size)
{
    static const char *const names[] = {"ownership", "tail", "intent", "sequence"};
    unsigned at = location - model_location(&memory.lanes[lane].ownership);
    if (at < 4)
        snprintf(text, size, "%s of lane %u", names[at], lane);
    else if (at < 4 + SCOPE_LOSS_REASONS)
        snprintf(text, size, "lost[%u] of lane %u", at - 4, lane);
    else if (within(location, memory.data[lane], WORLD_LANE_BYTES / 8))
        snprintf(text, size, "word %u of lane %u", location - model_location(memory.data[lane]), lane);
    else
        snprintf(text, size, "%s of lane %u",
                 location == model_location(&memory.lanes[lane].head)    ? "head"
                 : location == model_location(&memory.lanes[lane].futex) ? "futex"
                                                                         : "waiters",
                 lane);
}

void world_name(unsigned location, char *text, size_t size)
{
    for (uint32_t lane = world_running->lanes; lane-- > 0;)
        if (location >= model_location(&memory.lanes[lane].ownership)) {
            name_in_lane(location, lane, text, size);
            return;
        }
    if (location == model_location(&memory.control.definitions_tail))
        snprintf(text, size, "tail of definitions");
    else if (within(location, memory.definitions, WORLD_DEFINITIONS_BYTES / 8))
        snprintf(text, size, "word %u of definitions", location - model_location(memory.definitions));
    else
        snprintf(text, size, "word %u of the control page", location);
}

/* ---- what the core asks of the system ---- */

int model_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = (struct timespec){.tv_sec = 1};
    return 0;
}

int model_fallocate(int fd, int mode, off_t offset, off_t length)
{
    (void)fd, (void)mode, (void)offset, (void)length;
    if (!world_running->disk_may_fill || !model_choose(2))
        return 0;
    errno = ENOSPC;
    return -1;
}
