/* What must hold at each store, when nobody can go on but sleepers, and at the end. */
#include "world.h"

typedef unsigned long long number;

/* ---- at a store ---- */

static uint64_t generation(uint64_t ownership)
{
    return ownership >> 8 & 0xFFFFFF;
}

/* Free or retired, then owned under the next generation, then retired under the same: in modification order. */
static void check_ownership(unsigned location, unsigned index, uint64_t value)
{
    uint64_t before = memory_message(&model_now()->memory, location, index - 1)->value;
    bool was_owned = scope_lane_state(before) == SCOPE_LANE_OWNED;
    if (scope_lane_state(value) == SCOPE_LANE_OWNED) {
        if (was_owned || generation(value) != generation(before) + 1)
            model_violated("one owner", "%#llx takes the lane from %#llx", (number)value, (number)before);
    } else if (!was_owned || (generation(value) != generation(before) && generation(value) != 0)) {
        model_violated("one owner", "%#llx gives up the lane of %#llx", (number)value, (number)before);
    }
}

/* A lane that discards or blocks keeps what is committed and not yet stored. */
static void check_data(uint32_t lane, unsigned word)
{
    const model_memory *memory = &model_now()->memory;
    uint64_t head = memory_latest(memory, model_location(&world_segment.lanes[lane].head));
    uint64_t tail = memory_latest(memory, model_location(&world_segment.lanes[lane].tail));
    uint64_t position = head + ((word * 8 - head) & (WORLD_LANE_BYTES - 1));
    if (world_running->policy != SCOPE_OVERWRITE_OLDEST && !world_running->steered && position < tail)
        model_violated("kept", "word %u is stored to, between head %llu and tail %llu", word, (number)head, (number)tail);
}

static void check_head(const world_collector *collector, uint32_t lane, uint64_t value)
{
    if (value > collector->stored.lanes[lane].reader.head)
        model_violated("stored first", "head %llu is published, %llu is stored", (number)value,
                       (number)collector->stored.lanes[lane].reader.head);
}

/* Only a lane's owner stores to what is the owner's. The search relies on it. */
static void check_owner(unsigned actor, const scope_lane_control *control)
{
    uint64_t ownership = memory_latest(&model_now()->memory, model_location(&control->ownership));
    if (actor > 0 && (scope_lane_state(ownership) != SCOPE_LANE_OWNED || ownership >> 32 != world_thread(actor)))
        model_violated("one owner", "actor %u stores to a lane that %#llx owns", actor, (number)ownership);
}

static void check_lane(unsigned actor, const void *data, uint32_t lane, unsigned location, unsigned index, uint64_t value)
{
    const scope_lane_control *control = &world_segment.lanes[lane];
    unsigned words = model_location(world_segment.base + scope_lane_offset(&world_segment.header, lane));
    if (location == model_location(&control->ownership)) {
        check_ownership(location, index, value);
        return;
    }
    check_owner(actor, control);
    if (location == model_location(&control->head))
        check_head(data, lane, value);
    else if (location >= words)
        check_data(lane, location - words);
    else if (location == model_location(&control->tail) && actor > 0 && ((const world_writer *)data)->committing)
        world_ghost_of(model_now())->committed[lane]++;
}

void world_stored(unsigned actor, const void *data, unsigned location, unsigned index, uint64_t value)
{
    if (location == model_location(&world_segment.control->definitions_tail))
        world_ghost_of(model_now())->sites++;
    for (uint32_t lane = world_running->lanes; lane-- > 0;)
        if (location >= model_location(&world_segment.lanes[lane].ownership)) {
            check_lane(actor, data, lane, location, index, value);
            return;
        }
}

/* Only a relaxed store can be made early. */
enum model_promise world_promised(unsigned actor, unsigned location, uint64_t value, enum model_order order)
{
    world_ghost *ghost = world_ghost_of(model_now());
    if (actor > 0 || !ghost->promised || location != model_location(&world_segment.lanes[0].head))
        return MODEL_NO_PROMISE;
    bool kept = order == MODEL_RELAXED && value == ghost->promised;
    ghost->promised = 0;
    return kept ? MODEL_PROMISE_KEPT : MODEL_PROMISE_BROKEN;
}

/* ---- when nobody can go on but those who sleep ---- */

static void check_sleeper(const model_state *state, unsigned actor)
{
    const scope_ring *ring = &world_writer_of(state, actor)->ring;
    uint64_t head = memory_latest(&state->memory, model_location(&world_segment.lanes[ring->lane].head));
    uint64_t control = memory_latest(&state->memory, model_location(&world_segment.control->control));
    uint64_t start = (ring->tail + WORLD_BLOCK_BYTES - 1) & ~(uint64_t)(WORLD_BLOCK_BYTES - 1);
    if (world_ghost_of(model_now())->cut_short[ring->lane])
        return;
    if (start + WORLD_BLOCK_BYTES - head <= WORLD_LANE_BYTES)
        model_violated("no lost wake", "actor %u sleeps on, though head %llu leaves it room", actor, (number)head);
    uint64_t wish = control >> SCOPE_CONTROL_POLICY_SHIFT & SCOPE_CONTROL_POLICY_MASK;
    if (wish && wish - 1 != SCOPE_BLOCK_WRITER)
        model_violated("no lost wake", "actor %u sleeps on, though the policy is another", actor);
}

void world_quiet(const model_state *state)
{
    for (unsigned actor = 1; actor <= world_writers(); actor++)
        if (state->actors[actor].phase == MODEL_ASLEEP)
            check_sleeper(state, actor);
}

/* ---- at the end ---- */

static void check_sums(const model_state *state, uint32_t lane)
{
    const world_lane *read = &((const world_collector *)state->actors[0].data)->stored.lanes[lane];
    const world_ghost *ghost = world_ghost_of(model_now());
    uint64_t tail = memory_latest(&state->memory, model_location(&world_segment.lanes[lane].tail));
    if (read->reader.head != tail)
        model_violated("drained", "lane %u is read up to %llu of %llu", lane, (number)read->reader.head, (number)tail);
    if (read->taken != ghost->committed[lane])
        model_violated("sums", "lane %u: %llu events given or told lost, %llu committed", lane, (number)read->taken,
                       (number)ghost->committed[lane]);
    /* a writer that dies may have counted what it had no time to hear of */
    if (read->refused < ghost->refused[lane] || read->refused - ghost->refused[lane] > ghost->crashed)
        model_violated("sums", "lane %u: %llu events told refused, %llu counted", lane, (number)read->refused,
                       (number)ghost->refused[lane]);
}

void world_ended(const model_state *state)
{
    for (uint32_t lane = 0; lane < world_running->lanes && !world_ghost_of(model_now())->promised; lane++)
        check_sums(state, lane);
}
