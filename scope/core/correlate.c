/* Groups records by request. What it promises is told in correlate.h. */
#include <string.h>

#include "clock.h"
#include "groups.h"
#include "summary.h"

#define QUIET_LOSSY_NS UINT64_C(60000000000)

/* The lane's LANE record goes before each run of its records. */
static bool keep_lane(scope_correlator *self, scope_group *group, uint32_t lane)
{
    const scope_lane_note *note = &self->slots[group->slot].introduced[lane];
    if (note->words)
        return scope_group_keep(self, group, note->record, note->words);
    uint64_t unknown[4] = {scope_header(SCOPE_LANE, 4, 0, 0), 0, UINT32_C(0xFFFF0000) | lane, 0};
    return scope_group_keep(self, group, unknown, 4);
}

static bool add_record(scope_correlator *self, scope_group *group, uint32_t lane, uint64_t position,
                       const uint8_t *record, uint64_t words)
{
    if (!group->placed) {
        group->position = (uint64_t)lane << 48 | (position & SCOPE_PLACE_MASK);
        group->placed = true;
    }
    scope_group_catch_up(self, group);
    uint32_t introductions = self->slots[group->slot].introduced[lane].introductions;
    bool goes_on = group->last_lane == lane && group->last_introductions == introductions;
    if (!goes_on && !keep_lane(self, group, lane))
        return false;
    group->last_lane = lane;
    group->last_introductions = introductions;
    return scope_group_keep(self, group, record, words);
}

/* Every block introduces its owner anew: what differs then is when, and where. */
static bool same_owner(const scope_lane_note *note, const uint8_t *record, uint64_t words)
{
    return note->words == words && memcmp(note->record + 2, record + 16, (words - 2) * 8) == 0;
}

static void introduce(scope_slot *owner, uint32_t lane, const uint8_t *record, uint64_t words)
{
    scope_lane_note *note = &owner->introduced[lane];
    if (same_owner(note, record, words))
        return;
    note->introductions++;
    note->words = words <= SCOPE_LANE_WORDS_KEPT ? words : 0;
    memcpy(note->record, record, note->words * 8);
}

static uint64_t key_of(const uint8_t *record)
{
    return scope_request_key(scope_load64(record), scope_load64(record + 16)) & ((UINT64_C(1) << SCOPE_KEY_BITS) - 1);
}

/* An event of no request. */
static void keep_of_process(scope_correlator *self, scope_slot *owner, uint32_t lane, uint64_t position,
                            const uint8_t *record, uint64_t words)
{
    if (!scope_event_of_process(scope_header_type(scope_load64(record)))) {
        self->statistics.stray++;
        return;
    }
    const scope_lane_note *note = &owner->introduced[lane];
    scope_process_record kept = {lane, position, note->words ? note->record : NULL, note->words, record, words};
    if (scope_process_log_keep(&owner->log, &kept))
        self->statistics.of_process++;
    else
        self->statistics.refused++;
}

static scope_group *group_for(scope_correlator *self, uint32_t number, uint64_t key)
{
    scope_group *group = scope_group_find(self, number, key);
    if (group)
        return group;
    if (self->statistics.standing > self->max_bytes / 2)
        scope_groups_make_room(self);
    group = scope_group_open(self, number, key);
    if (!group)
        self->statistics.refused++;
    return group;
}

/* What was lost in one lane before the beginning was read in another may have been the group's. */
static void mark_missed(scope_correlator *self, scope_group *group)
{
    if (group->missed && group->start_ns < group->missed_until_ns)
        scope_group_lose(self, group, group->missed_until_ns, group->missed, self->slots[group->slot].lost_reason);
}

static bool summarize(scope_correlator *self, scope_group *group, const uint8_t *record, uint64_t words)
{
    bool ended = group->ended;
    scope_cost_add(&group->costs, &self->costs, record, words);
    uint64_t before = group->texts_bytes;
    bool sound = scope_summarize(group, record, words);
    scope_group_stand(self, group, (int64_t)group->texts_bytes - (int64_t)before);
    self->slots[group->slot].ended += group->ended && !ended;
    return sound;
}

void scope_correlator_feed(scope_correlator *self, uint32_t number, uint32_t lane, uint64_t position,
                           const uint8_t *record, uint64_t words, uint64_t now_ns)
{
    scope_slot *owner = &self->slots[number];
    uint8_t type = scope_header_type(scope_load64(record));
    if (type < SCOPE_EVENTS) {
        if (type == SCOPE_LANE)
            introduce(owner, lane, record, words);
        return;
    }
    self->statistics.events++;
    owner->latest_ns = scope_later(owner->latest_ns, scope_load64(record + 8));
    if (owner->found_ns && owner->lost_lane == lane) {
        owner->lost_until_ns = scope_later(owner->lost_until_ns, scope_load64(record + 8));
        owner->found_ns = 0;
    }
    uint64_t least = scope_event_words(type);
    if (least == 0 || words < least) {
        self->statistics.malformed++;
        return;
    }
    scope_cost_add(&owner->costs, &self->costs, record, words);
    uint64_t key = key_of(record);
    if (key == 0) {
        keep_of_process(self, owner, lane, position, record, words);
        return;
    }
    scope_group *group = group_for(self, number, key);
    if (!group)
        return;
    if (!add_record(self, group, lane, position, record, words)) {
        self->statistics.refused++;
        group->inexact = true;
        group->lost++;
        return;
    }
    self->recent = group;
    group->fed_ns = now_ns;
    if (!summarize(self, group, record, words))
        self->statistics.malformed++;
    if (type == SCOPE_REQUEST_BEGIN)
        mark_missed(self, group);
    if (type == SCOPE_REQUEST_END) {
        group->ended_pass = owner->passes;
        group->ended_lane = lane;
    }
}

void scope_correlator_lose(scope_correlator *self, uint32_t number, uint32_t lane, uint64_t time_ns, uint64_t events,
                           enum scope_loss reason)
{
    scope_slot *owner = &self->slots[number];
    owner->lost_now += events;
    owner->lost_until_ns = scope_later(owner->lost_until_ns, owner->found_ns);
    owner->found_ns = scope_clock_now();
    owner->lost_lane = lane;
    owner->lost_reason = reason;
    owner->losses++;
    owner->lost[reason] += events;
    owner->lost_ns[reason] = time_ns;
}

bool scope_correlator_full(const scope_correlator *self, uint32_t number)
{
    const scope_group *last = self->recent;
    bool one_holds_much = last && last->slot == number && last->capacity > self->max_bytes / 4;
    if (one_holds_much || self->slots[number].bytes > self->max_bytes / 2)
        return true;
    if (self->statistics.bytes <= self->max_bytes)
        return false;
    return self->slots[number].bytes > self->max_bytes / (2 * (uint64_t)self->used_slots);
}

void scope_correlator_pass(scope_correlator *self, uint32_t number)
{
    scope_slot *owner = &self->slots[number];
    uint64_t passes = ++owner->passes;
    owner->lost_before = owner->lost_now;
    owner->lost_now = 0;
    if (owner->lost_before == 0)
        owner->lost_until_ns = owner->found_ns = 0;
    if (owner->ended == 0)
        return;
    for (scope_group *group = self->open.first, *next; group; group = next) {
        next = group->next;
        /* a pass goes from lane 0 upwards: those above were read after the end in the same pass, those below in the next */
        if (group->slot == number && group->ended && passes > group->ended_pass + (group->ended_lane ? 1 : 0))
            scope_group_finish(self, group, SCOPE_GROUP_DONE);
    }
}

void scope_correlator_abort(scope_correlator *self, uint32_t number)
{
    for (scope_group *group = self->open.first, *next; group; group = next) {
        next = group->next;
        if (group->slot == number)
            scope_group_finish(self, group, group->ended || !group->begun ? SCOPE_GROUP_DONE : SCOPE_GROUP_ABORTED);
    }
}

bool scope_group_awaited(const scope_correlator *self, const scope_group *group)
{
    return !group->begun && self->slots[group->slot].passes <= group->opened_pass + 1
           && !scope_correlator_full(self, group->slot);
}

uint64_t scope_correlator_sweep(scope_correlator *self, uint64_t now_ns)
{
    uint64_t awaited = 0;
    for (scope_group *group = self->open.first, *next; group; group = next) {
        next = group->next;
        scope_group_catch_up(self, group);
        bool quiet = now_ns > group->fed_ns && now_ns - group->fed_ns > QUIET_LOSSY_NS;
        if (scope_group_awaited(self, group))
            awaited++;
        else if (!group->begun || (group->inexact && quiet && !group->ended))
            scope_group_finish(self, group, SCOPE_GROUP_DONE);
    }
    return awaited;
}

scope_group *scope_correlator_first_open(scope_correlator *self)
{
    for (scope_group *group = self->open.first; group; group = group->next)
        scope_group_catch_up(self, group);
    return self->open.first;
}

bool scope_correlator_restore(scope_correlator *self, uint32_t number, uint64_t key, const uint8_t *bytes, size_t size)
{
    scope_group *group = scope_group_find(self, number, key);
    if (!group && !(group = scope_group_open(self, number, key)))
        return false;
    for (size_t at = 0; at + 8 <= size;) {
        uint64_t header = scope_load64(bytes + at);
        uint64_t words = scope_header_words(header);
        uint8_t type = scope_header_type(header);
        if (words == 0 || words * 8 > size - at || (type >= SCOPE_EVENTS && words < SCOPE_PREFIX_WORDS))
            return false;
        if (type == SCOPE_GAP && words >= 4) {
            group->lost += scope_load64(bytes + at + 16);
            group->inexact = true;
        }
        if (type >= SCOPE_EVENTS)
            summarize(self, group, bytes + at, words);
        at += words * 8;
    }
    group->note_count = 0;
    group->dirty = false;
    group->pieces++;
    return true;
}

uint64_t scope_correlator_latest(const scope_correlator *self, uint32_t number)
{
    return self->slots[number].latest_ns;
}

scope_process_log *scope_correlator_log(scope_correlator *self, uint32_t number)
{
    return &self->slots[number].log;
}

void scope_correlator_set_costs(scope_correlator *self, const scope_costs *costs)
{
    self->costs = *costs;
}

scope_cost_sums scope_correlator_costs(const scope_correlator *self, uint32_t number)
{
    return self->slots[number].costs;
}

scope_correlator_statistics scope_correlator_read_statistics(const scope_correlator *self)
{
    return self->statistics;
}
