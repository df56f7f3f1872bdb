/* The groups of a correlator: found by key, held while open or finished, accounted for, and given up where memory ends. Only
 * correlate.c and groups.c see inside.
 */
#ifndef SCOPE_GROUPS_H
#define SCOPE_GROUPS_H

#include "correlate.h"
#include "process_log.h"

#define SCOPE_NOWHERE UINT64_C(0xFFFF) /* a lane number that no segment has */
#define SCOPE_PLACE_MASK ((UINT64_C(1) << 48) - 1)
#define SCOPE_LANE_WORDS_KEPT 10

typedef struct {
    uint32_t introductions; /* so many owners were met */
    uint64_t words; /* 0: whose events follow is not known */
    uint64_t record[SCOPE_LANE_WORDS_KEPT];
} scope_lane_note;

typedef struct {
    bool used;
    uint32_t lanes;
    scope_lane_note *introduced; /* the last LANE record of each lane */
    uint32_t finished; /* groups that are not taken out yet: until they are, the number is not given to another */
    uint64_t passes;
    uint64_t lost_now, lost_before; /* events found lost in this pass, and in the one before */
    uint64_t lost_until_ns; /* what began later misses none of them */
    uint64_t found_ns; /* when the last of them were found, until the next record of their lane tells when they were lost */
    uint32_t lost_lane;
    enum scope_loss lost_reason;
    uint32_t ended; /* open groups that have met their end */
    uint64_t bytes, standing; /* its part of what the statistics say */
    scope_cost_sums costs;
    uint64_t losses, lost[SCOPE_LOSS_REASONS], lost_ns[SCOPE_LOSS_REASONS]; /* how often; in all, and when last */
    uint64_t latest_ns; /* of all its events */
    scope_process_log log; /* events of no request */
} scope_slot;

typedef struct {
    scope_group *first, *last;
} scope_group_list;

struct scope_correlator {
    uint64_t max_bytes;
    uint32_t used_slots;
    scope_group **buckets;
    size_t bucket_count; /* a power of two */
    uint64_t salt; /* not known to those who choose the keys, who could otherwise put them all into one bucket */
    scope_slot *slots;
    uint32_t slot_count;
    scope_group_list open, finished;
    scope_group *spares; /* linked by next, each with its buffer */
    uint32_t spare_count;
    scope_costs costs;
    scope_group *recent; /* consecutive records are mostly of one request */
    scope_correlator_statistics statistics;
};

static inline uint64_t scope_later(uint64_t one_ns, uint64_t other_ns)
{
    return one_ns > other_ns ? one_ns : other_ns;
}

/* Accounts for bytes that are held as long as the group is open. */
void scope_group_stand(scope_correlator *self, const scope_group *group, int64_t bytes);

/* Adds bytes to the group's blob; false when memory is short. */
bool scope_group_keep(scope_correlator *self, scope_group *group, const void *record, uint64_t words);

/* Notes that the group may miss so many events, also in its bytes. */
void scope_group_lose(scope_correlator *self, scope_group *group, uint64_t time_ns, uint64_t events, enum scope_loss reason);

/* Lets the group know what its segment has lost since it was last told. Not told at once: a segment that loses something all
 * the time would cost a walk over its open groups each time, and each of them a GAP. */
void scope_group_catch_up(scope_correlator *self, scope_group *group);

/* From the open ones to the finished ones. */
void scope_group_finish(scope_correlator *self, scope_group *group, enum scope_group_state state);

/* A new open group; NULL when memory is short. */
scope_group *scope_group_open(scope_correlator *self, uint32_t number, uint64_t key);

/* The open group of a key; NULL where there is none. */
scope_group *scope_group_find(const scope_correlator *self, uint32_t number, uint64_t key);

/* Makes room where the segment that holds most holds it: does not wait for what may come of requests that have ended; and gives
 * up the oldest open ones, as if the process had died there. What comes of either later is late. An eighth at a time, for each
 * time takes a walk over all that are open. */
void scope_groups_make_room(scope_correlator *self);

#endif
