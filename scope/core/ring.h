/* The writer's side of a lane: reserve, write, commit.
 *
 * Format: positions are byte counts that never wrap; a lane's bytes are at `position & (capacity - 1)`. A record never
 * crosses a block; every block begins with a BLOCK record that carries the number of the next event, and a LANE
 * record that tells its owner.
 *
 * Commit point: the release store of `tail`, alone. A writer killed anywhere leaves a readable prefix.
 *
 * Whatever the policy, a writer that enters a block announces its end in `intent` *before* it touches the block:
 *
 *     writer                                   reader
 *     intent = end            (relaxed)        t = tail                 (acquire)
 *     fence                   (release)        copy bytes below t
 *     payload                 (relaxed)        fence                    (acquire)
 *     tail = ...              (release)        i = intent               (relaxed)
 *                                              keep what is at or above i - capacity
 *
 * If the copy saw one byte of the new lap, the fences make the reader see the intent that announced it, and the byte is
 * thrown away. A release store of intent instead of the fence would not do: it orders what came before it, while the
 * payload stores come after.
 * The next owner of the lane goes on in a block that the last one announced, and passes a fence of its own when it claims.
 *
 * The policy is asked for at each block entry and may have changed since the last one. The reader need not know it.
 *
 * Overwrite oldest: a block is entered whatever is in it.
 *
 * Discard newest: a block is entered only when the collector's `head` has left it. `head` is cached, and loaded again only
 * when the lane looks full. What found no room is counted; the next success writes a GAP first.
 *
 * Block: as discard, but a writer that finds no room first waits for `head`, until a deadline:
 *
 *     writer                                   collector
 *     waiters = 1             (relaxed)        head = ...               (release)
 *     n = futex               (acquire)        fence                    (full)
 *     fence                   (full)           if waiters               (relaxed)
 *     room, by head?          (acquire)            futex = n + 1        (release)
 *     sleep while futex == n                       wake
 *
 * Of the two fences one comes first. Either the writer's load of head sees the collector's store, or the collector's load
 * of waiters sees the writer's; then futex changes, before the writer sleeps or with a wake after. If `n` is already the
 * new number, acquire makes the new head visible, too. The collector may die between head and wake: then the writer
 * sleeps until its deadline. After a deadline the lane discards without waiting until head has moved, so a
 * collector that stands still costs a thread one deadline and not one per event.
 *
 * But for that wait there is no loop over shared memory: the number of steps of a write is bounded.
 */
#ifndef SCOPE_RING_H
#define SCOPE_RING_H

#include "record.h"
#include "segment.h"

/* What was lost for one reason since the last GAP record that told of it. */
typedef struct {
    uint64_t events;
    uint64_t since_ns;
} scope_ring_gap;

/* Reasons that GAP records tell of: those for which a lane refuses events when it is full. */
enum { SCOPE_GAP_FULL, SCOPE_GAP_TIMED_OUT, SCOPE_GAPS };

typedef struct {
    scope_word *data;
    scope_lane_control *control;
    uint64_t mask; /* capacity - 1 */
    uint64_t tail;
    uint64_t limit; /* records may be reserved up to here without entering a block */
    uint64_t sequence; /* number of the next event */
    uint64_t cached_head;
    uint64_t backed; /* so many bytes of the lane have memory behind them; in its first lap not all */
    uint32_t refusals; /* so often the disk was full when there were to be more */
    uint32_t block_bytes;
    uint32_t lane;
    uint8_t busy;
    scope_segment *segment;
    uint64_t gave_up_at; /* head when a deadline passed; UINT64_MAX: none has */
    scope_ring_gap gaps[SCOPE_GAPS];
    uint16_t name_length;
    char name[SCOPE_LANE_NAME_MAX];
} scope_ring;

#define SCOPE_BLOCK_OVERHEAD_WORDS (SCOPE_BLOCK_WORDS + SCOPE_LANE_WORDS_MAX + SCOPE_GAPS * SCOPE_GAP_WORDS)

/* The longest record that a ring takes: one that fits a block together with all that may have to come before it. */
static inline uint64_t scope_ring_words_max(const scope_ring *ring)
{
    return ring->block_bytes / 8 - SCOPE_BLOCK_OVERHEAD_WORDS;
}

/* The slow path of scope_ring_reserve: enters blocks, waits for room, writes GAPs. */
scope_word *scope_ring_reserve_slow(scope_ring *ring, uint64_t words);

/* Room for a record of `words` at the current position; NULL where there is none (counted). The caller stores the words
 * (relaxed), then commits. A second reserve before the commit (a signal handler, a finaliser) is refused and counted. */
static inline scope_word *scope_ring_reserve(scope_ring *ring, uint64_t words)
{
    if (__builtin_expect(ring->busy, 0)) {
        scope_count_lost(&ring->control->lost[SCOPE_LOST_REENTRANT], 1);
        return NULL;
    }
    if (__builtin_expect(ring->tail + words * 8 > ring->limit, 0) && !scope_ring_reserve_slow(ring, words))
        return NULL;
    ring->busy = 1;
    return ring->data + (ring->tail & ring->mask) / 8;
}

/* Makes the reserved record visible; it is one event. */
static inline void scope_ring_commit(scope_ring *ring, uint64_t words)
{
    ring->tail += words * 8;
    ring->sequence++;
    /* pairs with the acquire load in the reader */
    scope_store_release(&ring->control->tail, ring->tail);
    ring->busy = 0;
}

/* Takes a lane for the calling thread: a retired one of this process, else a free one. 0; -1 where all are owned; -2 where
 * the disk is full. `name` is the thread's, not terminated. Never waits. The ring is good as long as `segment`. */
int scope_lane_claim(scope_segment *segment, scope_ring *ring, uint32_t thread_id, const char *name, size_t length);

/* Gives the lane back; another thread of the process may take it. */
void scope_lane_retire(scope_ring *ring);

static inline enum scope_lane_state scope_lane_state(uint64_t ownership)
{
    return (enum scope_lane_state)(ownership & 0xFF);
}

#endif
