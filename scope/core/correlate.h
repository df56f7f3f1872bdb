/* The correlator: groups the records of many segments by request.
 *
 * Per event it does a hash, a memcpy and a few additions; nothing is decoded, and nothing of Python is called. What lists
 * show of a request (method, status, times, counts) is kept as its records pass by.
 *
 * Life of a group: it opens with the request's first record; REQUEST_END ends it; it is handed over as finished when every
 * other lane has been read after that, so that records which they committed before the end are in it. Its bytes can be
 * handed over earlier, in pieces, which bounds memory however long the request runs. Records that come after the hand-over
 * open a group without a beginning, handed over as late; the store joins the two.
 */
#ifndef SCOPE_CORRELATE_H
#define SCOPE_CORRELATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "costs.h"
#include "record.h"
#include "segment.h"
#include "steps.h"

#define SCOPE_GROUP_SITES 64
#define SCOPE_GROUP_NOTES 32
#define SCOPE_NO_LANE UINT32_MAX

enum scope_group_state { SCOPE_GROUP_OPEN, SCOPE_GROUP_DONE, SCOPE_GROUP_ABORTED };

typedef struct scope_group {
    struct scope_group *next_in_bucket;
    struct scope_group *previous, *next; /* in the list of open or of finished groups */
    uint64_t key;
    uint32_t slot;
    uint8_t state, kind, flags, outcome;
    bool begun, ended, restored;
    bool dirty; /* has bytes or facts that were not handed over */
    uint32_t texts_bytes; /* of method, path, id and route */
    bool inexact; /* something that it needs was lost */
    bool placed; /* `position` is that of an event in `bytes` */
    uint8_t trace_id[16];
    uint64_t span_id, remote_parent;
    uint64_t start_ns, first_byte_ns, response_end_ns, end_ns; /* CLOCK_MONOTONIC, 0: not there */
    uint64_t fed_ns; /* when the collector last met a record of it */
    uint64_t opened_pass, ended_pass; /* passes that were whole before its first record, before its end was met */
    uint32_t ended_lane;
    uint64_t missed, missed_until_ns; /* events found lost shortly before its first record was met, and when */
    uint64_t losses_seen, lost_seen[SCOPE_LOSS_REASONS]; /* of the segment's losses, those that are in `lost` */
    uint64_t lost, bytes_in, bytes_out, messages_in, messages_out;
    scope_steps steps;
    scope_cost_sums costs; /* what its events have cost the traced process */
    uint32_t status, route_site, events, spans, errors, pieces;
    uint64_t position; /* (lane << 48) | position of the first event in `bytes`; without one, none that an event has */
    uint32_t last_lane, last_introductions; /* whose records come last in `bytes` */
    uint32_t site_count, note_count, notes_taken;
    char *method, *path, *id, *route; /* owned, terminated; NULL: not there */
    uint8_t *bytes;
    size_t size, capacity;
    uint32_t sites[SCOPE_GROUP_SITES];
    uint32_t notes[SCOPE_GROUP_NOTES]; /* offsets in `bytes` of records worth indexing */
} scope_group;

typedef struct scope_correlator scope_correlator;

typedef struct {
    uint64_t events; /* taken in */
    uint64_t stray; /* of no request */
    uint64_t malformed; /* framed well, but of an unknown type or too short for it */
    uint64_t finished;
    uint64_t open;
    uint64_t bytes; /* held now until they are taken */
    uint64_t standing; /* bytes held for open requests as long as they are open */
    uint64_t cut; /* open requests given up for want of memory */
    uint64_t refused; /* events not kept for want of memory */
    uint64_t of_process; /* events of no request that were kept as the process's */
} scope_correlator_statistics;

/* NULL when memory is short. `max_bytes` bounds what is held until it is taken, half of it what is held of open requests. */
scope_correlator *scope_correlator_new(uint64_t max_bytes);
void scope_correlator_free(scope_correlator *correlator);

/* A number for one more segment with `lanes` lanes; -1 when memory is short. */
int64_t scope_correlator_add(scope_correlator *correlator, uint32_t lanes);

/* Forgets a segment; its open groups are dropped, finished ones can still be taken. */
void scope_correlator_remove(scope_correlator *correlator, uint32_t slot);

/* One record, as a scope_sink delivers it. `now_ns`: the collector's clock. */
void scope_correlator_feed(scope_correlator *correlator, uint32_t slot, uint32_t lane, uint64_t position,
                           const uint8_t *record, uint64_t words, uint64_t now_ns);

/* Whether nothing more of the segment is to be read before something is taken out: it holds half of what there may be, or the
 * request that was last fed a quarter, for that is copied more than once on its way; or all hold too much and it holds more
 * than its share, so that one that holds much keeps nobody waiting. */
bool scope_correlator_full(const scope_correlator *correlator, uint32_t slot);

/* Marks every group of the segment that was not handed over, ended or not: it may miss up to `events` events, for what was
 * lost in one lane may have come before the end that was read in another. So may one of which no record was met yet, where it
 * turns out to have begun before the next record of `lane`, which is SCOPE_NO_LANE where the loss is of none. In the bytes of a
 * group one GAP stands for all that was lost, for one reason, between two of its records. */
void scope_correlator_lose(scope_correlator *correlator, uint32_t slot, uint32_t lane, uint64_t time_ns, uint64_t events,
                           enum scope_loss reason);

/* All lanes of the segment have been read once more. */
void scope_correlator_pass(scope_correlator *correlator, uint32_t slot);

/* The owner is dead: what is open ends here. */
void scope_correlator_abort(scope_correlator *correlator, uint32_t slot);

/* Ends groups that cannot end by themselves: those without a beginning, which hold what came late; and those that lost events,
 * perhaps their end, after a minute of quiet. The number of groups whose beginning may come yet. */
uint64_t scope_correlator_sweep(scope_correlator *correlator, uint64_t now_ns);

/* Whether the beginning of the group may come yet. Its lane may have been read later than that of the first record, but no
 * later than in the whole pass that follows. Nothing is awaited of a segment that is not read on before something is taken. */
bool scope_group_awaited(const scope_correlator *correlator, const scope_group *group);

/* Takes a finished group out; NULL when there is none. The caller frees it. */
scope_group *scope_correlator_take(scope_correlator *correlator);

/* The same of one segment alone; and how many there are. */
scope_group *scope_correlator_take_of(scope_correlator *correlator, uint32_t slot);
uint32_t scope_correlator_finished(const scope_correlator *correlator, uint32_t slot);
void scope_group_free(scope_correlator *correlator, scope_group *group);

/* Walks the open groups, oldest first; NULL at the end. What was lost is in all of them by then. */
scope_group *scope_correlator_first_open(scope_correlator *correlator);

/* The piece was handed over: its bytes are dropped. */
void scope_group_flushed(scope_correlator *correlator, scope_group *group);

/* Takes back a piece that was handed over before a restart; false when the bytes are no records. The group's bytes stay
 * with the store. */
bool scope_correlator_restore(scope_correlator *correlator, uint32_t slot, uint64_t key, const uint8_t *bytes,
                              size_t size);

/* CLOCK_MONOTONIC of the latest event that was read of the segment; 0 before the first. */
uint64_t scope_correlator_latest(const scope_correlator *correlator, uint32_t slot);

/* What the segment's process wrote of no request since it was last cleared; the caller may clear it. Bounded: what is more
 * than that is counted as refused. */
struct scope_process_log *scope_correlator_log(scope_correlator *correlator, uint32_t slot);
/* What events cost from now on; nothing before this is called. */
void scope_correlator_set_costs(scope_correlator *correlator, const scope_costs *costs);

/* What the events taken in of a segment have cost its process, those of no request too. */
scope_cost_sums scope_correlator_costs(const scope_correlator *correlator, uint32_t slot);

scope_correlator_statistics scope_correlator_read_statistics(const scope_correlator *correlator);

#endif
