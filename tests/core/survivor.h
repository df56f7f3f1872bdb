/* Who comes after a writer that was killed: opens its segment afresh, reads all of it, and compares with what the writer
 * told of itself, in memory that outlives it, after each thing that it did.
 *
 * The events of a lane carry the numbers 1, 2, 3, ... in the order of their commits, in every payload word. So what is
 * delivered has to be consecutive and to end with the last one committed, and what comes before the first one delivered
 * has to be counted as lapped.
 */
#ifndef SCOPE_SURVIVOR_H
#define SCOPE_SURVIVOR_H

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "check.h"
#include "identity.h"
#include "segments.h"

enum { TOLD_LANES = 4 };

/* What the writer has done; each count goes up when the call has returned. */
typedef struct {
    _Atomic uint64_t made; /* the segment is there */
    _Atomic uint64_t begun, ended; /* writes */
    _Atomic uint64_t committed[TOLD_LANES];
    _Atomic uint64_t stored[TOLD_LANES]; /* those below the published head, which no successor reads again */
    _Atomic uint64_t lost[SCOPE_LOSS_REASONS];
    _Atomic uint64_t defining, defined, undefined; /* definitions begun, made, refused */
} told;

static inline told *new_told(void)
{
    void *memory = mmap(NULL, sizeof(told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

/* Writes the lane's next event, of `words` words; false where it was refused, for `reason`. */
static inline bool tell_write(told *of, scope_ring *ring, uint64_t words, enum scope_loss reason)
{
    of->begun++;
    bool written = write_event(ring, SCOPE_MARK, 1, words, of->committed[ring->lane] + 1);
    if (written)
        of->committed[ring->lane]++;
    else
        of->lost[reason]++;
    of->ended++;
    return written;
}

/* The payload of definition `number`: its length and its bytes follow from the number. */
static inline uint32_t definition_payload(uint64_t number, uint8_t payload[256])
{
    memset(payload, (int)(number * 37 % 251), 256);
    return (uint32_t)(number * 29 % 200);
}

static inline bool tell_define(told *of, scope_segment *segment)
{
    uint8_t payload[256];
    uint32_t length = definition_payload(of->defined + 1, payload);
    of->defining++;
    uint32_t number = scope_define(segment, SCOPE_DEFINE_NAME, payload, length);
    if (number) {
        CHECK(number == of->defined + 1, "definition %u", number);
        of->defined++;
    } else {
        of->lost[SCOPE_LOST_DEFINITIONS_FULL]++;
        of->undefined++;
    }
    return number != 0;
}

/* Why a full lane refuses an event. */
static inline enum scope_loss refusal(enum scope_policy policy)
{
    return policy == SCOPE_BLOCK_WRITER ? SCOPE_LOST_TIMED_OUT : SCOPE_LOST_FULL;
}

/* Whether `found` is `expected`, or one more where a call was under way. */
static inline bool agrees(uint64_t found, uint64_t expected, bool under_way)
{
    return found == expected || (under_way && found == expected + 1);
}

/* Reads `lane` from where `from` stands, with so many events `stored` before; the number of the last event. */
static inline uint64_t survive_lane(const scope_segment *segment, reading *read, uint32_t lane, scope_lane_reader from,
                                    uint64_t stored)
{
    size_t first = read->count;
    uint64_t lapped = read->lost[SCOPE_LOST_LAPPED];
    read->readers[lane] = from;
    read_lane(read, segment, lane);
    uint64_t before = stored + read->lost[SCOPE_LOST_LAPPED] - lapped;
    for (size_t index = first; index < read->count; index++)
        CHECK(read->values[index] == before + 1 + (index - first), "lane %u: event %llu at place %llu", lane,
              (unsigned long long)read->values[index], (unsigned long long)(before + 1 + (index - first)));
    CHECK(read->readers[lane].quarantined == 0, "lane %u: %llu blocks damaged", lane,
          (unsigned long long)read->readers[lane].quarantined);
    CHECK(read_lane(read, segment, lane) == 0, "lane %u: some events were read twice", lane);
    return before + (read->count - first);
}

/* The number of definitions up to the tail, each as it was made. */
static inline uint64_t survive_definitions(const scope_segment *segment)
{
    uint64_t tail = scope_load_acquire(&segment->control->definitions_tail), count = 0;
    const uint8_t *entries = (const uint8_t *)segment->definitions;
    uint8_t payload[256];
    for (uint64_t at = 0; at < tail; count++) {
        uint32_t length = definition_payload(count + 1, payload), bytes = (8 + length + 7) / 8 * 8;
        CHECK(scope_load32(entries + at) == bytes && scope_load32(entries + at + 4) == SCOPE_DEFINE_NAME, "definition %llu",
              (unsigned long long)count + 1);
        CHECK(memcmp(entries + at + 8, payload, length) == 0, "the bytes of definition %llu", (unsigned long long)count + 1);
        at += bytes;
    }
    return count;
}

/* What the writer counted as lost for `reason`, wherever. */
static inline uint64_t counted_lost(const scope_segment *segment, int reason)
{
    uint64_t lost = scope_load_relaxed(&segment->control->lost[reason]);
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++)
        lost += scope_load_relaxed(&segment->lanes[lane].lost[reason]);
    return lost;
}

/* Every loss but those by lapping is counted and told, to the event; the number of writes that were lost. */
static inline uint64_t survive_losses(const scope_segment *segment, reading *read, const told *of, bool writing, bool defining)
{
    scope_sink sink = {read, reading_record, reading_lost};
    uint64_t refused = 0, lapped = read->lost[SCOPE_LOST_LAPPED], process[SCOPE_LOSS_SLOTS] = {0};
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++)
        scope_read_losses(segment->lanes[lane].lost, read->readers[lane].told, lane, &sink);
    scope_read_losses(segment->control->lost, process, 0, &sink);
    CHECK(read->lost[SCOPE_LOST_LAPPED] == lapped, "a writer counts what is lapped");
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++) {
        if (reason == SCOPE_LOST_LAPPED)
            continue;
        uint64_t counted = counted_lost(segment, reason);
        bool under_way = reason == SCOPE_LOST_DEFINITIONS_FULL ? defining : writing;
        CHECK(agrees(counted, of->lost[reason], under_way), "reason %d: %llu counted, %llu lost", reason,
              (unsigned long long)counted, (unsigned long long)of->lost[reason]);
        CHECK(read->lost[reason] == counted, "reason %d: %llu told, %llu counted", reason,
              (unsigned long long)read->lost[reason], (unsigned long long)counted);
        refused += reason == SCOPE_LOST_DEFINITIONS_FULL ? 0 : counted;
    }
    return refused;
}

/* The whole comparison. `segment` is as the writer left it. */
static inline void survive(const scope_segment *segment, const told *of)
{
    bool writing = of->begun > of->ended, defining = of->defining > of->defined + of->undefined;
    reading read = new_reading(segment);
    uint64_t delivered = 0;
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++) {
        scope_lane_reader from = {.head = scope_load_relaxed(&segment->lanes[lane].head), .sequence = of->stored[lane]};
        uint64_t last = survive_lane(segment, &read, lane, from, of->stored[lane]);
        CHECK(agrees(last, of->committed[lane], writing), "lane %u: read up to %llu, committed %llu", lane,
              (unsigned long long)last, (unsigned long long)of->committed[lane]);
        delivered += last;
    }
    delivered += survive_losses(segment, &read, of, writing, defining);
    CHECK(delivered >= of->ended && delivered <= of->begun, "%llu read or lost of %llu writes", (unsigned long long)delivered,
          (unsigned long long)of->ended);
    CHECK(read.torn == 0, "%llu words torn", (unsigned long long)read.torn);
    CHECK(agrees(survive_definitions(segment), of->defined, defining), "%llu defined", (unsigned long long)of->defined);
    end_reading(&read);
}

/* Whether the process that made `segment` is proven dead. */
static inline bool owner_is_dead(const scope_segment *segment)
{
    scope_identity owner = {segment->header.pid, segment->header.start_ticks, segment->header.pid_namespace, {0}};
    memcpy(owner.boot_id, segment->header.boot_id, sizeof owner.boot_id);
    return !scope_identity_alive(&owner);
}

#endif
