/* Entering blocks, and who owns a lane. The algorithm is told in ring.h. */
#include "ring.h"

#include "clock.h"

#define RETRY_EVERY 256 /* events that find no memory, until the disk is asked once more */

static scope_word *at(scope_ring *ring, uint64_t position)
{
    return ring->data + (position & ring->mask) / 8;
}

static void put(scope_ring *ring, uint64_t position, uint64_t word)
{
    scope_store_relaxed(at(ring, position), word);
}

static bool has_room(scope_ring *ring, uint64_t end)
{
    if (end - ring->cached_head <= ring->mask + 1)
        return true;
    /* pairs with the release store in scope_lane_publish(): everything below is copied */
    ring->cached_head = scope_load_acquire(&ring->control->head);
    return end - ring->cached_head <= ring->mask + 1;
}

static enum scope_slept sleep_until_told(const scope_segment *segment, scope_futex *futex, uint32_t seen, uint64_t deadline_ns)
{
    if (segment->sleeper)
        return segment->sleeper(segment->sleeper_self, futex, seen, deadline_ns);
    bool in_time = scope_futex_wait(futex, seen, deadline_ns) && scope_clock_now() < deadline_ns;
    return in_time ? SCOPE_SLEPT : SCOPE_SLEPT_PAST_DEADLINE;
}

/* Waits until the collector has left the block that ends at `end`, or the policy is no longer to block. The protocol is told
 * in ring.h. */
static enum scope_slept wait_for_room(scope_ring *ring, uint64_t end)
{
    scope_lane_control *control = ring->control;
    uint64_t deadline_ns = scope_clock_now() + ring->segment->block_ns;
    enum scope_slept slept = SCOPE_SLEPT;
    ring->busy = 1; /* whoever interrupts the sleep finds the ring as one that is being written to */
    scope_store_relaxed32(&control->waiters, 1);
    while (slept == SCOPE_SLEPT) {
        /* pairs with the release store in tell_waiter() */
        uint32_t seen = scope_load_acquire32(&control->futex);
        /* pairs with the full fence in tell_waiter() */
        scope_fence_full();
        if (has_room(ring, end) || scope_segment_policy(ring->segment) != SCOPE_BLOCK_WRITER)
            break;
        slept = sleep_until_told(ring->segment, &control->futex, seen, deadline_ns);
    }
    scope_store_relaxed32(&control->waiters, 0);
    ring->busy = 0;
    return slept;
}

/* Whether the block that ends at `end` may be entered; where not, `*reason` says why. */
static bool may_own(scope_ring *ring, uint64_t end, bool may_wait, enum scope_loss *reason)
{
    enum scope_policy policy = scope_segment_policy(ring->segment);
    *reason = SCOPE_LOST_FULL;
    if (policy == SCOPE_OVERWRITE_OLDEST || has_room(ring, end))
        return true;
    if (policy != SCOPE_BLOCK_WRITER || !may_wait)
        return false;
    enum scope_slept slept = SCOPE_SLEPT_PAST_DEADLINE;
    if (ring->cached_head != ring->gave_up_at)
        slept = wait_for_room(ring, end);
    if (slept == SCOPE_SLEPT_PAST_DEADLINE) {
        *reason = SCOPE_LOST_TIMED_OUT;
        ring->gave_up_at = ring->cached_head;
    }
    return has_room(ring, end) || scope_segment_policy(ring->segment) == SCOPE_OVERWRITE_OLDEST;
}

/* Makes [start, end) the writer's. */
static void own_block(scope_ring *ring, uint64_t end)
{
    scope_store_relaxed(&ring->control->intent, end);
    /* pairs with the acquire fence of the reader, between its copy and its load of intent */
    scope_fence_release();
}

static void enter_block(scope_ring *ring, uint64_t start)
{
    own_block(ring, start + ring->block_bytes);
    if (start > ring->tail)
        put(ring, ring->tail, scope_header(SCOPE_FILL, (start - ring->tail) / 8, ring->tail, 0));
    put(ring, start, scope_header(SCOPE_BLOCK, SCOPE_BLOCK_WORDS, start, 0));
    put(ring, start + 8, ring->sequence);
    ring->tail = start + 8 * SCOPE_BLOCK_WORDS;
    ring->limit = start + ring->block_bytes;
    scope_store_relaxed(&ring->control->sequence, ring->sequence);
    /* pairs with the acquire load in the reader */
    scope_store_release(&ring->control->tail, ring->tail);
}

/* Puts memory behind the lane up to `end`; where the disk is full, that is tried again now and then. */
static bool back(scope_ring *ring, uint64_t end)
{
    uint64_t wanted = scope_lane_backing(&ring->segment->header, ring->lane, end);
    if (wanted <= ring->backed)
        return true;
    uint64_t offset = scope_lane_offset(&ring->segment->header, ring->lane) + ring->backed;
    if (ring->refusals++ % RETRY_EVERY || scope_segment_allocate(ring->segment, offset, wanted - ring->backed) < 0)
        return false;
    ring->backed = wanted;
    ring->refusals = 0;
    return true;
}

/* Enters the next block; where it must not, `*reason` says why. */
static bool next_block(scope_ring *ring, bool may_wait, enum scope_loss *reason)
{
    uint64_t start = (ring->tail + ring->block_bytes - 1) & ~((uint64_t)ring->block_bytes - 1);
    if (!may_own(ring, start + ring->block_bytes, may_wait, reason))
        return false;
    if (!back(ring, start + ring->block_bytes)) {
        *reason = SCOPE_LOST_NO_SPACE;
        return false;
    }
    enter_block(ring, start);
    return true;
}

/* Commits a record that is no event. */
static void commit_note(scope_ring *ring, uint64_t words)
{
    ring->tail += words * 8;
    scope_store_release(&ring->control->tail, ring->tail); /* as scope_ring_commit */
}

static enum scope_loss gap_reason(int kind)
{
    return kind == SCOPE_GAP_FULL ? SCOPE_LOST_FULL : SCOPE_LOST_TIMED_OUT;
}

static void write_gap(scope_ring *ring, int kind)
{
    scope_ring_gap *gap = &ring->gaps[kind];
    put(ring, ring->tail, scope_header(SCOPE_GAP, SCOPE_GAP_WORDS, ring->tail, 0));
    put(ring, ring->tail + 8, gap->since_ns);
    put(ring, ring->tail + 16, gap->events);
    put(ring, ring->tail + 24, gap_reason(kind));
    put(ring, ring->tail + 32, scope_load_relaxed(&ring->control->lost[gap_reason(kind)]));
    commit_note(ring, SCOPE_GAP_WORDS);
    gap->events = 0;
}

static void lose(scope_ring *ring, enum scope_loss reason)
{
    scope_ring_gap *gap = &ring->gaps[reason == SCOPE_LOST_FULL ? SCOPE_GAP_FULL : SCOPE_GAP_TIMED_OUT];
    if (reason != SCOPE_LOST_NO_SPACE && gap->events++ == 0)
        gap->since_ns = scope_clock_now();
    /* every further reserve takes the slow path, so that the GAP precedes the next record */
    ring->limit = 0;
    scope_count_lost(&ring->control->lost[reason], 1);
}

static uint64_t introduction_words(const scope_ring *ring)
{
    return 3 + (2 + (uint64_t)ring->name_length + 7) / 8;
}

/* Tells the reader whose events follow. In every block again: an owner's first LANE record may be overwritten alone, without
 * an event whose loss would tell. */
static void introduce(scope_ring *ring)
{
    uint8_t text[2 + SCOPE_LANE_NAME_MAX];
    uint64_t words = introduction_words(ring), ownership = scope_load_relaxed(&ring->control->ownership);
    memcpy(text, &ring->name_length, sizeof ring->name_length);
    memcpy(text + 2, ring->name, ring->name_length);
    put(ring, ring->tail, scope_header(SCOPE_LANE, words, ring->tail, 0));
    put(ring, ring->tail + 8, scope_clock_now());
    put(ring, ring->tail + 16, ownership >> 32 | (ownership >> 8 & 0xFFFFFF) << 32);
    scope_store_bytes(at(ring, ring->tail + 24), text, 2 + (uint64_t)ring->name_length);
    commit_note(ring, words);
}

scope_word *scope_ring_reserve_slow(scope_ring *ring, uint64_t words)
{
    enum scope_loss reason;
    if (words > scope_ring_words_max(ring)) {
        scope_count_lost(&ring->control->lost[SCOPE_LOST_TOO_BIG], 1);
        return NULL;
    }
    if (!next_block(ring, true, &reason)) {
        lose(ring, reason);
        return NULL;
    }
    introduce(ring);
    for (int kind = 0; kind < SCOPE_GAPS; kind++)
        if (ring->gaps[kind].events)
            write_gap(ring, kind);
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
        .backed = scope_lane_backing(&segment->header, lane, scope_load_relaxed(&control->tail)),
        .block_bytes = segment->header.block_bytes,
        .lane = lane,
        .segment = segment,
        .gave_up_at = UINT64_MAX,
    };
    uint64_t into = ring->tail & (ring->block_bytes - 1);
    ring->limit = into ? ring->tail - into + ring->block_bytes : ring->tail;
    /* as in own_block(): the block that goes on here was announced by another thread, whose fence orders its stores only */
    scope_fence_release();
}

/* Introduces the new owner; where there is no room, the first event that enters a block does. */
static void try_to_introduce(scope_ring *ring, const char *name, size_t length)
{
    enum scope_loss unused;
    ring->name_length = (uint16_t)(length < SCOPE_LANE_NAME_MAX ? length : SCOPE_LANE_NAME_MAX);
    memcpy(ring->name, name, ring->name_length);
    if (ring->tail + introduction_words(ring) * 8 <= ring->limit || next_block(ring, false, &unused))
        introduce(ring);
    else
        ring->limit = 0;
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
        uint64_t bytes = scope_lane_backing(&segment->header, (uint32_t)lane, 0);
        if (scope_segment_allocate(segment, scope_lane_offset(&segment->header, (uint32_t)lane), bytes) < 0) {
            scope_store_release(&segment->lanes[lane].ownership, SCOPE_LANE_FREE);
            return -2;
        }
    }
    attach(ring, segment, (uint32_t)lane);
    try_to_introduce(ring, name, length);
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
