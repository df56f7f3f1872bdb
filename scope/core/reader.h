/* The collector's side of a lane: copy, then validate the copy, then hand over records.
 *
 * Shared memory is hostile here: `tail` is read once, so the work of a pass is bounded by the lane's capacity; bytes are
 * copied to private memory before they are looked at; nothing is allocated by a length found in them. A record that does
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
} scope_lane_reader;

#define SCOPE_SEQUENCE_UNKNOWN UINT64_MAX

/* What a pass hands over. `record` is private, validated in its frame (type not, payload not), `words` long. */
typedef struct {
    void *self;
    void (*record)(void *self, uint32_t lane, uint64_t position, const uint8_t *record, uint64_t words);
    /* `events` between the last record handed over and the next one are lost, for `reason`. */
    void (*lost)(void *self, uint32_t lane, uint64_t time_ns, uint64_t events, enum scope_loss reason);
} scope_sink;

/* One pass over one lane; the number of events handed over. `buffer` holds at least the lane's capacity. */
uint64_t scope_lane_read(const scope_segment *segment, uint32_t lane, scope_lane_reader *reader, uint8_t *buffer,
                         const scope_sink *sink);

#endif
