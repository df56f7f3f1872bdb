/* The collector's side of a lane: copy, then validate the copy, then hand over records.
 *
 * Shared memory is hostile here: `tail` is read once, and what one call copies is bounded whatever the header says of sizes;
 * bytes are copied to private memory before they are looked at; nothing is allocated by a length found in them. A record that does
 * not validate quarantines the rest of its block: reading goes on at the next block, whose BLOCK record says which event
 * comes next, so the number lost is exact.
 */
#ifndef SCOPE_READER_H
#define SCOPE_READER_H

#include "record.h"
#include "segment.h"

typedef struct {
    uint64_t head; /* everything below is read */
    uint64_t sequence; /* number of the next event, from 0; where it is SCOPE_SEQUENCE_UNKNOWN, a BLOCK tells */
    uint64_t quarantined; /* blocks given up because of damage */
    uint64_t seen_tail;
    uint64_t told[SCOPE_LOSS_SLOTS]; /* events lost that the sink was told of, by reason */
} scope_lane_reader;

#define SCOPE_SEQUENCE_UNKNOWN UINT64_MAX

/* What is copied at a time: whole blocks, so no record is cut; and little, so that it fits a processor's cache, and whoever takes
 * the records can stop in time. */
#define SCOPE_READ_BYTES (UINT64_C(1) << 18)

/* What a pass hands over. `record` is private, validated in its frame (type not, payload not), `words` long. */
typedef struct {
    void *self;
    void (*record)(void *self, uint32_t lane, uint64_t position, const uint8_t *record, uint64_t words);
    /* `events` more are lost, for `reason`, from `time_ns` on. Each is told of once. */
    void (*lost)(void *self, uint32_t lane, uint64_t time_ns, uint64_t events, enum scope_loss reason);
} scope_sink;

/* Reads what one lane has new, at most SCOPE_READ_BYTES of it: there is more where `head` is below `seen_tail` then. The number
 * of events handed over. `buffer` holds SCOPE_READ_BYTES, or the lane's capacity where that is less. */
uint64_t scope_lane_read(const scope_segment *segment, uint32_t lane, scope_lane_reader *reader, uint8_t *buffer,
                         const scope_sink *sink);

/* Tells the sink of what the counters `lost` (a lane's, or the process's) say beyond `told`, and takes that as told. After
 * a pass: so an event that was lost before one that was read is told of with it. `lane` is what the sink is told. */
void scope_read_losses(const scope_word *lost, uint64_t *told, uint32_t lane, const scope_sink *sink);

/* Everything below `head` is stored: lets the writer have it, and wakes it where it waits. */
void scope_lane_publish(const scope_segment *segment, uint32_t lane, uint64_t head);

/* The length of the definition that `entries` begins with, if it is framed within `size` bytes, a whole number of words; 0 where
 * it is not. None is as short as its frame. */
static inline uint32_t scope_definition_length(const uint8_t *entries, uint64_t size)
{
    uint32_t length = size ? scope_load32(entries) : 0;
    return length > 8 && length % 8 == 0 && length <= size ? length : 0;
}

/* Stores the control word, and wakes writers that wait: they may have to no longer. */
void scope_segment_steer(const scope_segment *segment, uint64_t word);

#endif
