/* Entering blocks, and who owns a lane. The algorithm is told in ring.h. */
#include "ring.h"

#include "clock.h"

static scope_word *at(scope_ring *ring, uint64_t position)
{
    return ring->data + (position & ring->mask) / 8;
}

static void put(scope_ring *ring, uint64_t position, uint64_t word)
{
    scope_store_relaxed(at(ring, position), word);
}

/* Makes [start, start + block) the writer's. */
static bool own_block(scope_ring *ring, uint64_t start)
{
    uint64_t end = start + ring->block_bytes;
    scope_lane_control *control = ring->control;
    if (ring->policy == SCOPE_OVERWRITE_OLDEST) {
        scope_store_relaxed(&control->intent, end);
        /* pairs with the acquire fence of the reader, between its copy and its load of intent */
        scope_fence_release();
        return true;
    }
    if (end - ring->cached_head <= ring->mask + 1)
        return true;
    /* pairs with the release store of head by the reader, who has copied everything below it */
    ring->cached_head = scope_load_acquire(&control->head);
    return end - ring->cached_head <= ring->mask + 1;
}

static bool enter_block(scope_ring *ring)
{
    uint64_t start = (ring->tail + ring->block_bytes - 1) & ~((uint64_t)ring->block_bytes - 1);
    if (!own_block(ring, start))
        return false;
    if (start > ring->tail)
        put(ring, ring->tail, scope_header(SCOPE_FILL, (start - ring->tail) / 8, ring->tail, 0));
    put(ring, start, scope_header(SCOPE_BLOCK, SCOPE_BLOCK_WORDS, start, 0));
    put(ring, start + 8, ring->sequence);
    ring->tail = start + 8 * SCOPE_BLOCK_WORDS;
    ring->limit = start + ring->block_bytes;
    scope_store_relaxed(&ring->control->sequence, ring->sequence);
    /* pairs with the acquire load in the reader */
    scope_store_release(&ring->control->tail, ring->tail);
    return true;
}

/* Commits a record that is no event. */
static void commit_note(scope_ring *ring, uint64_t words)
{
    ring->tail += words * 8;
    scope_store_release(&ring->control->tail, ring->tail); /* as scope_ring_commit */
}

static void write_gap(scope_ring *ring)
{
    put(ring, ring->tail, scope_header(SCOPE_GAP, 4, ring->tail, 0));
    put(ring, ring->tail + 8, ring->gap_since_ns);
    put(ring, ring->tail + 16, ring->gap);
    put(ring, ring->tail + 24, SCOPE_LOST_FULL);
    commit_note(ring, 4);
    ring->gap = 0;
}

static void lose(scope_ring *ring)
{
    if (ring->gap++ == 0)
        ring->gap_since_ns = scope_clock_now();
    /* every further reserve takes the slow path, so that the GAP precedes the next record */
    ring->limit = 0;
    scope_count_lost(&ring->control->lost[SCOPE_LOST_FULL], 1);
}

scope_word *scope_ring_reserve_slow(scope_ring *ring, uint64_t words)
{
    if (words * 8 > ring->block_bytes - 8 * (SCOPE_BLOCK_WORDS + 4)) {
        scope_count_lost(&ring->control->lost[SCOPE_LOST_TOO_BIG], 1);
        return NULL;
    }
    if (!enter_block(ring)) {
        lose(ring);
        return NULL;
    }
    if (ring->gap)
        write_gap(ring);
    return at(ring, ring->tail);
}

static void attach(scope_ring *ring, scope_segment *segment, uint32_t lane)
{
    scope_lane_control *control = &segment->lanes[lane];
    *ring = (scope_ring){
        .data = (scope_word *)(segment->base + scope_lane_offset(&segment->header, lane)),
        .control = control,
        .mask = scope_lane_bytes(&segment->header, lane) - 1,
        /* the former owner is a thread of this process that retired the lane: acquire on ownership ordered its stores */
        .tail = scope_load_relaxed(&control->tail),
        .sequence = scope_load_relaxed(&control->sequence),
        .cached_head = scope_load_acquire(&control->head),
        .block_bytes = segment->header.block_bytes,
        .lane = lane,
        .policy = (uint8_t)segment->header.policy,
    };
    uint64_t into = ring->tail & (ring->block_bytes - 1);
    ring->limit = into ? ring->tail - into + ring->block_bytes : ring->tail;
}

/* Tells the reader whose events follow. */
static void introduce(scope_ring *ring, uint32_t thread_id, uint32_t generation, const char *name, size_t length)
{
    uint8_t text[64] = {0};
    uint16_t kept = (uint16_t)(length < 48 ? length : 48);
    uint64_t words = 3 + (2 + (uint64_t)kept + 7) / 8;
    memcpy(text, &kept, sizeof kept);
    memcpy(text + 2, name, kept);
    if (ring->tail + words * 8 > ring->limit && !scope_ring_reserve_slow(ring, words))
        return;
    put(ring, ring->tail, scope_header(SCOPE_LANE, words, ring->tail, 0));
    put(ring, ring->tail + 8, scope_clock_now());
    put(ring, ring->tail + 16, thread_id | (uint64_t)generation << 32);
    scope_store_bytes(at(ring, ring->tail + 24), text, 8 * (words - 3));
    commit_note(ring, words);
}

/* Takes the first lane in `state`. Its index, or -1. */
static int64_t take_lane(scope_segment *segment, enum scope_lane_state state, uint32_t thread_id)
{
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++) {
        scope_word *ownership = &segment->lanes[lane].ownership;
        uint64_t found = scope_load_relaxed(ownership);
        if (scope_lane_state(found) != state)
            continue;
        uint64_t generation = ((found >> 8 & 0xFFFFFF) + 1) & 0xFFFFFF;
        uint64_t taken = SCOPE_LANE_OWNED | generation << 8 | (uint64_t)thread_id << 32;
        /* acquire pairs with the release in scope_lane_retire */
        if (scope_replace_acquire(ownership, found, taken))
            return lane;
    }
    return -1;
}

int scope_lane_claim(scope_segment *segment, scope_ring *ring, uint32_t thread_id, const char *name, size_t length)
{
    int64_t lane = take_lane(segment, SCOPE_LANE_RETIRED, thread_id);
    if (lane < 0) {
        lane = take_lane(segment, SCOPE_LANE_FREE, thread_id);
        if (lane < 0)
            return -1;
        uint64_t bytes = scope_lane_bytes(&segment->header, (uint32_t)lane);
        if (scope_segment_allocate(segment, scope_lane_offset(&segment->header, (uint32_t)lane), bytes) < 0) {
            scope_store_release(&segment->lanes[lane].ownership, SCOPE_LANE_FREE);
            return -2;
        }
    }
    attach(ring, segment, (uint32_t)lane);
    uint64_t ownership = scope_load_relaxed(&ring->control->ownership);
    introduce(ring, thread_id, ownership >> 8 & 0xFFFFFF, name, length);
    return 0;
}

void scope_lane_retire(scope_ring *ring)
{
    uint64_t owned = scope_load_relaxed(&ring->control->ownership);
    uint64_t retired = (owned & ~UINT64_C(0xFF)) | SCOPE_LANE_RETIRED;
    scope_store_relaxed(&ring->control->sequence, ring->sequence);
    /* pairs with the acquire in take_lane: the next owner sees tail and sequence */
    scope_store_release(&ring->control->ownership, retired);
}
