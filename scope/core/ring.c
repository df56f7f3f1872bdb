/* Entering blocks, and who owns a lane. The algorithm is told in ring.h. */
#include "ring.h"

#include "clock.h"

static void put(scope_ring *ring, uint64_t position, uint64_t word)
{
    memcpy(ring->data + (position & ring->mask), &word, sizeof word);
}

/* Makes [start, start + block) the writer's. */
static bool own_block(scope_ring *ring, uint64_t start)
{
    uint64_t end = start + ring->block_bytes;
    scope_lane_control *control = ring->control;
    if (ring->policy == SCOPE_OVERWRITE_OLDEST) {
        atomic_store_explicit(&control->intent, end, memory_order_relaxed);
        /* pairs with the acquire fence of the reader, between its copy and its load of intent */
        atomic_thread_fence(memory_order_release);
        return true;
    }
    if (end - ring->cached_head <= ring->mask + 1)
        return true;
    /* pairs with the release store of head by the reader, who has copied everything below it */
    ring->cached_head = atomic_load_explicit(&control->head, memory_order_acquire);
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
    atomic_store_explicit(&ring->control->sequence, ring->sequence, memory_order_relaxed);
    /* pairs with the acquire load in the reader */
    atomic_store_explicit(&ring->control->tail, ring->tail, memory_order_release);
    return true;
}

/* Commits a record that is no event. */
static void commit_note(scope_ring *ring, uint64_t words)
{
    ring->tail += words * 8;
    atomic_store_explicit(&ring->control->tail, ring->tail, memory_order_release); /* as scope_ring_commit */
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

uint64_t *scope_ring_reserve_slow(scope_ring *ring, uint64_t words)
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
    return (uint64_t *)(ring->data + (ring->tail & ring->mask));
}

static void attach(scope_ring *ring, scope_segment *segment, uint32_t lane)
{
    scope_lane_control *control = &segment->lanes[lane];
    *ring = (scope_ring){
        .data = segment->base + scope_lane_offset(&segment->header, lane),
        .control = control,
        .mask = scope_lane_bytes(&segment->header, lane) - 1,
        /* the former owner is a thread of this process that retired the lane: acquire on ownership ordered its stores */
        .tail = atomic_load_explicit(&control->tail, memory_order_relaxed),
        .sequence = atomic_load_explicit(&control->sequence, memory_order_relaxed),
        .cached_head = atomic_load_explicit(&control->head, memory_order_acquire),
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
    for (uint64_t word = 0; word < words - 3; word++)
        put(ring, ring->tail + 24 + word * 8, scope_load64(text + word * 8));
    commit_note(ring, words);
}

/* Takes the first lane in `state`. Its index, or -1. */
static int64_t take_lane(scope_segment *segment, enum scope_lane_state state, uint32_t thread_id)
{
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++) {
        _Atomic uint64_t *ownership = &segment->lanes[lane].ownership;
        uint64_t found = atomic_load_explicit(ownership, memory_order_relaxed);
        if (scope_lane_state(found) != state)
            continue;
        uint64_t generation = ((found >> 8 & 0xFFFFFF) + 1) & 0xFFFFFF;
        uint64_t taken = SCOPE_LANE_OWNED | generation << 8 | (uint64_t)thread_id << 32;
        /* acquire pairs with the release in scope_lane_retire */
        if (atomic_compare_exchange_strong_explicit(ownership, &found, taken, memory_order_acquire, memory_order_relaxed))
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
            atomic_store_explicit(&segment->lanes[lane].ownership, SCOPE_LANE_FREE, memory_order_release);
            return -2;
        }
    }
    attach(ring, segment, (uint32_t)lane);
    uint64_t ownership = atomic_load_explicit(&ring->control->ownership, memory_order_relaxed);
    introduce(ring, thread_id, ownership >> 8 & 0xFFFFFF, name, length);
    return 0;
}

void scope_lane_retire(scope_ring *ring)
{
    uint64_t owned = atomic_load_explicit(&ring->control->ownership, memory_order_relaxed);
    uint64_t retired = (owned & ~UINT64_C(0xFF)) | SCOPE_LANE_RETIRED;
    atomic_store_explicit(&ring->control->sequence, ring->sequence, memory_order_relaxed);
    /* pairs with the acquire in take_lane: the next owner sees tail and sequence */
    atomic_store_explicit(&ring->control->ownership, retired, memory_order_release);
}
