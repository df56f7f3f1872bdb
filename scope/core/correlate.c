/* Groups records by request. What it promises is told in correlate.h. */
#include "correlate.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ids.h"
#include "summary.h"

#define NOWHERE UINT64_C(0xFFFF) /* a lane number that no segment has */
#define PLACE_MASK ((UINT64_C(1) << 48) - 1)
#define LANE_WORDS 10
#define SPARES_MAX 1024 /* groups kept for reuse */
#define SPARE_BYTES_MAX 4096
#define QUIET_LOSSY_NS UINT64_C(60000000000)

typedef struct {
    uint32_t introductions; /* so many owners were met */
    uint64_t words; /* 0: whose events follow is not known */
    uint64_t record[LANE_WORDS];
} lane_note;

typedef struct {
    bool used;
    uint32_t lanes;
    lane_note *introduced; /* the last LANE record of each lane */
    uint32_t finished; /* groups that are not taken out yet: until they are, the number is not given to another */
    uint64_t passes;
    uint64_t lost_now, lost_before; /* events found lost in this pass, and in the one before */
    uint64_t lost_until_ns; /* what began later misses none of them */
    uint64_t found_ns; /* when the last of them were found, until the next record of their lane tells when they were lost */
    uint32_t lost_lane;
    enum scope_loss lost_reason;
    uint32_t ended; /* open groups that have met their end */
    uint64_t bytes, standing; /* its part of what the statistics say */
    uint64_t losses, lost[SCOPE_LOSS_REASONS], lost_ns[SCOPE_LOSS_REASONS]; /* how often; in all, and when last */
} slot;

typedef struct {
    scope_group *first, *last;
} list;

struct scope_correlator {
    uint64_t max_bytes;
    uint32_t used_slots;
    scope_group **buckets;
    size_t bucket_count; /* a power of two */
    uint64_t salt; /* not known to those who choose the keys, who could otherwise put them all into one bucket */
    slot *slots;
    uint32_t slot_count;
    list open, finished;
    scope_group *spares; /* linked by next, each with its buffer */
    uint32_t spare_count;
    scope_group *recent; /* consecutive records are mostly of one request */
    scope_correlator_statistics statistics;
};

/* What a group is held in apart from its buffer. */
static uint64_t frame_bytes(const scope_group *group)
{
    return sizeof *group + group->texts_bytes;
}

/* Accounts for bytes that are held until the group is taken or flushed; below zero for those that no longer are. */
static void hold(scope_correlator *self, const scope_group *group, int64_t bytes)
{
    self->statistics.bytes += (uint64_t)bytes;
    self->slots[group->slot].bytes += (uint64_t)bytes;
}

/* Accounts for bytes that are held as long as the group is open. */
static void stand(scope_correlator *self, const scope_group *group, int64_t bytes)
{
    self->statistics.standing += (uint64_t)bytes;
    self->slots[group->slot].standing += (uint64_t)bytes;
}

static void append(list *to, scope_group *group)
{
    group->previous = to->last;
    group->next = NULL;
    *(to->last ? &to->last->next : &to->first) = group;
    to->last = group;
}

static void unlink_from(list *from, scope_group *group)
{
    *(group->previous ? &group->previous->next : &from->first) = group->next;
    *(group->next ? &group->next->previous : &from->last) = group->previous;
}

static size_t bucket_of(const scope_correlator *self, uint32_t number, uint64_t key)
{
    return scope_mix64(key + number * SCOPE_GOLDEN + self->salt) & (self->bucket_count - 1);
}

scope_correlator *scope_correlator_new(uint64_t max_bytes)
{
    scope_correlator *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->max_bytes = max_bytes;
    scope_random random;
    self->salt = scope_random_seed(&random) == 0 ? scope_random_next(&random) : scope_clock_now();
    self->bucket_count = 1024;
    self->buckets = calloc(self->bucket_count, sizeof *self->buckets);
    if (self->buckets)
        return self;
    free(self);
    return NULL;
}

static void free_list(scope_correlator *self, list *groups)
{
    while (groups->first) {
        scope_group *group = groups->first;
        unlink_from(groups, group);
        scope_group_free(self, group);
    }
}

void scope_correlator_free(scope_correlator *self)
{
    if (!self)
        return;
    free_list(self, &self->open);
    free_list(self, &self->finished);
    while (self->spares) {
        scope_group *spare = self->spares;
        self->spares = spare->next;
        free(spare->bytes);
        free(spare);
    }
    for (uint32_t number = 0; number < self->slot_count; number++)
        free(self->slots[number].introduced);
    free(self->slots);
    free(self->buckets);
    free(self);
}

static int64_t free_slot(scope_correlator *self)
{
    for (uint32_t number = 0; number < self->slot_count; number++)
        if (!self->slots[number].used && !self->slots[number].finished)
            return number;
    slot *grown = realloc(self->slots, (self->slot_count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    self->slots = grown;
    self->slots[self->slot_count] = (slot){0};
    return self->slot_count++;
}

int64_t scope_correlator_add(scope_correlator *self, uint32_t lanes)
{
    int64_t number = free_slot(self);
    if (number < 0)
        return -1;
    lane_note *introduced = calloc(lanes, sizeof *introduced);
    if (!introduced)
        return -1;
    self->slots[number] = (slot){.used = true, .lanes = lanes, .introduced = introduced};
    self->used_slots++;
    return number;
}

static void forget_bucket(scope_correlator *self, scope_group *group)
{
    scope_group **link = &self->buckets[bucket_of(self, group->slot, group->key)];
    while (*link && *link != group)
        link = &(*link)->next_in_bucket;
    if (*link)
        *link = group->next_in_bucket;
    if (self->recent == group)
        self->recent = NULL;
}

/* Adds bytes to the group's blob; false when memory is short. */
static bool keep(scope_correlator *self, scope_group *group, const void *record, uint64_t words)
{
    size_t needed = group->size + words * 8;
    if (needed > group->capacity) {
        size_t capacity = group->capacity ? group->capacity : 512;
        while (capacity < needed)
            capacity *= 2;
        uint8_t *grown = realloc(group->bytes, capacity);
        if (!grown)
            return false;
        hold(self, group, (int64_t)(capacity - group->capacity));
        group->bytes = grown;
        group->capacity = capacity;
    }
    memcpy(group->bytes + group->size, record, words * 8);
    group->size += words * 8;
    return true;
}

/* Notes in the group's bytes that it may miss so many events. */
static void mark_lost(scope_correlator *self, scope_group *group, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    uint64_t gap[4] = {scope_header(SCOPE_GAP, 4, 0, 0), time_ns, events, reason};
    group->lost += events;
    group->inexact = true;
    group->dirty = true;
    if (keep(self, group, gap, 4) && !group->placed)
        group->position = NOWHERE << 48 | (scope_clock_now() & PLACE_MASK);
}

/* Lets the group know what its segment has lost since it was last told. Not told at once: a segment that loses something all
 * the time would cost a walk over its open groups each time, and each of them a GAP. */
static void catch_up(scope_correlator *self, scope_group *group)
{
    const slot *owner = &self->slots[group->slot];
    if (group->losses_seen == owner->losses)
        return;
    group->losses_seen = owner->losses;
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++) {
        uint64_t events = owner->lost[reason] - group->lost_seen[reason];
        group->lost_seen[reason] = owner->lost[reason];
        if (events)
            mark_lost(self, group, owner->lost_ns[reason], events, (enum scope_loss)reason);
    }
}

/* From the open ones to the finished ones. */
static void finish(scope_correlator *self, scope_group *group, enum scope_group_state state)
{
    catch_up(self, group);
    forget_bucket(self, group);
    unlink_from(&self->open, group);
    stand(self, group, -(int64_t)frame_bytes(group));
    hold(self, group, (int64_t)frame_bytes(group));
    self->slots[group->slot].ended -= group->ended;
    group->state = (uint8_t)state;
    append(&self->finished, group);
    self->slots[group->slot].finished++;
    self->statistics.open--;
    self->statistics.finished++;
}

void scope_correlator_remove(scope_correlator *self, uint32_t number)
{
    for (scope_group *group = self->open.first, *next; group; group = next) {
        next = group->next;
        if (group->slot != number)
            continue;
        forget_bucket(self, group);
        unlink_from(&self->open, group);
        self->statistics.open--;
        stand(self, group, -(int64_t)frame_bytes(group));
        hold(self, group, -(int64_t)group->capacity);
        scope_group_free(self, group);
    }
    free(self->slots[number].introduced);
    self->slots[number] = (slot){.finished = self->slots[number].finished, .bytes = self->slots[number].bytes};
    self->used_slots--;
}

static void rehash(scope_correlator *self)
{
    scope_group **grown = calloc(self->bucket_count * 2, sizeof *grown);
    if (!grown)
        return;
    free(self->buckets);
    self->buckets = grown;
    self->bucket_count *= 2;
    for (scope_group *group = self->open.first; group; group = group->next) {
        scope_group **bucket = &self->buckets[bucket_of(self, group->slot, group->key)];
        group->next_in_bucket = *bucket;
        *bucket = group;
    }
}

/* A zeroed group, perhaps with a buffer; its arrays are only zeroed as far as they were used. */
static scope_group *new_group(scope_correlator *self)
{
    scope_group *group = self->spares;
    if (!group)
        return calloc(1, sizeof *group);
    self->spares = group->next;
    self->spare_count--;
    uint8_t *bytes = group->bytes;
    size_t capacity = group->capacity;
    memset(group, 0, offsetof(scope_group, sites));
    group->bytes = bytes;
    group->capacity = capacity;
    return group;
}

static uint64_t later(uint64_t one_ns, uint64_t other_ns)
{
    return one_ns > other_ns ? one_ns : other_ns;
}

static scope_group *open_group(scope_correlator *self, uint32_t number, uint64_t key)
{
    scope_group *group = new_group(self);
    if (!group)
        return NULL;
    group->slot = number;
    group->key = key;
    group->last_lane = SCOPE_NO_LANE;
    const slot *owner = &self->slots[number];
    group->opened_pass = owner->passes;
    group->missed = owner->lost_now + owner->lost_before;
    group->missed_until_ns = later(owner->lost_until_ns, owner->found_ns);
    group->losses_seen = owner->losses;
    memcpy(group->lost_seen, owner->lost, sizeof group->lost_seen);
    stand(self, group, (int64_t)frame_bytes(group));
    hold(self, group, (int64_t)group->capacity);
    if (self->statistics.open >= self->bucket_count)
        rehash(self);
    scope_group **bucket = &self->buckets[bucket_of(self, number, key)];
    group->next_in_bucket = *bucket;
    *bucket = group;
    append(&self->open, group);
    self->statistics.open++;
    return group;
}

static scope_group *find_group(const scope_correlator *self, uint32_t number, uint64_t key)
{
    scope_group *group = self->recent;
    if (group && group->key == key && group->slot == number)
        return group;
    for (group = self->buckets[bucket_of(self, number, key)]; group; group = group->next_in_bucket)
        if (group->key == key && group->slot == number)
            return group;
    return NULL;
}

/* The lane's LANE record goes before each run of its records. */
static bool keep_lane(scope_correlator *self, scope_group *group, uint32_t lane)
{
    const lane_note *note = &self->slots[group->slot].introduced[lane];
    if (note->words)
        return keep(self, group, note->record, note->words);
    uint64_t unknown[4] = {scope_header(SCOPE_LANE, 4, 0, 0), 0, UINT32_C(0xFFFF0000) | lane, 0};
    return keep(self, group, unknown, 4);
}

static bool add_record(scope_correlator *self, scope_group *group, uint32_t lane, uint64_t position,
                       const uint8_t *record, uint64_t words)
{
    if (!group->placed) {
        group->position = (uint64_t)lane << 48 | (position & PLACE_MASK);
        group->placed = true;
    }
    catch_up(self, group);
    uint32_t introductions = self->slots[group->slot].introduced[lane].introductions;
    bool goes_on = group->last_lane == lane && group->last_introductions == introductions;
    if (!goes_on && !keep_lane(self, group, lane))
        return false;
    group->last_lane = lane;
    group->last_introductions = introductions;
    return keep(self, group, record, words);
}

/* Every block introduces its owner anew: what differs then is when, and where. */
static bool same_owner(const lane_note *note, const uint8_t *record, uint64_t words)
{
    return note->words == words && memcmp(note->record + 2, record + 16, (words - 2) * 8) == 0;
}

static void introduce(slot *owner, uint32_t lane, const uint8_t *record, uint64_t words)
{
    lane_note *note = &owner->introduced[lane];
    if (same_owner(note, record, words))
        return;
    note->introductions++;
    note->words = words <= LANE_WORDS ? words : 0;
    memcpy(note->record, record, note->words * 8);
}

/* Finishes the oldest groups of a segment that have met their end, or have not, until it holds no more than `enough`. */
static void finish_oldest(scope_correlator *self, uint32_t number, bool ended, uint64_t enough)
{
    for (scope_group *group = self->open.first, *next; group && self->slots[number].standing > enough; group = next) {
        next = group->next;
        if (group->slot != number || group->ended != ended)
            continue;
        if (!ended) {
            group->inexact = true;
            self->statistics.cut++;
        }
        finish(self, group, ended ? SCOPE_GROUP_DONE : SCOPE_GROUP_ABORTED);
    }
}

/* Makes room where the segment that holds most holds it: does not wait for what may come of requests that have ended; and gives
 * up the oldest open ones, as if the process had died there. What comes of either later is late. An eighth at a time, for each
 * time takes a walk over all that are open. */
static void make_room(scope_correlator *self)
{
    uint32_t most = 0;
    for (uint32_t number = 1; number < self->slot_count; number++)
        if (self->slots[number].standing > self->slots[most].standing)
            most = number;
    uint64_t enough = self->slots[most].standing / 8 * 7;
    finish_oldest(self, most, true, enough);
    finish_oldest(self, most, false, enough);
}

static scope_group *group_for(scope_correlator *self, uint32_t number, const uint8_t *record)
{
    uint64_t key = scope_request_key(scope_load64(record), scope_load64(record + 16)) & ((UINT64_C(1) << SCOPE_KEY_BITS) - 1);
    if (key == 0) {
        self->statistics.stray++;
        return NULL;
    }
    scope_group *group = find_group(self, number, key);
    if (group)
        return group;
    if (self->statistics.standing > self->max_bytes / 2)
        make_room(self);
    group = open_group(self, number, key);
    if (!group)
        self->statistics.refused++;
    return group;
}

/* What was lost in one lane before the beginning was read in another may have been the group's. */
static void mark_missed(scope_correlator *self, scope_group *group)
{
    if (group->missed && group->start_ns < group->missed_until_ns)
        mark_lost(self, group, group->missed_until_ns, group->missed, self->slots[group->slot].lost_reason);
}

static bool summarize(scope_correlator *self, scope_group *group, const uint8_t *record, uint64_t words)
{
    bool ended = group->ended;
    uint64_t before = group->texts_bytes;
    bool sound = scope_summarize(group, record, words);
    stand(self, group, (int64_t)group->texts_bytes - (int64_t)before);
    self->slots[group->slot].ended += group->ended && !ended;
    return sound;
}

void scope_correlator_feed(scope_correlator *self, uint32_t number, uint32_t lane, uint64_t position,
                           const uint8_t *record, uint64_t words, uint64_t now_ns)
{
    slot *owner = &self->slots[number];
    uint8_t type = scope_header_type(scope_load64(record));
    if (type < SCOPE_EVENTS) {
        if (type == SCOPE_LANE)
            introduce(owner, lane, record, words);
        return;
    }
    self->statistics.events++;
    if (owner->found_ns && owner->lost_lane == lane) {
        owner->lost_until_ns = later(owner->lost_until_ns, scope_load64(record + 8));
        owner->found_ns = 0;
    }
    uint64_t least = scope_event_words(type);
    if (least == 0 || words < least) {
        self->statistics.malformed++;
        return;
    }
    scope_group *group = group_for(self, number, record);
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
    slot *owner = &self->slots[number];
    owner->lost_now += events;
    owner->lost_until_ns = later(owner->lost_until_ns, owner->found_ns);
    owner->found_ns = scope_clock_now();
    owner->lost_lane = lane;
    owner->lost_reason = reason;
    owner->losses++;
    owner->lost[reason] += events;
    owner->lost_ns[reason] = time_ns;
}

bool scope_correlator_full(const scope_correlator *self, uint32_t number)
{
    if (self->slots[number].bytes > self->max_bytes / 4)
        return true;
    if (self->statistics.bytes <= self->max_bytes)
        return false;
    return self->slots[number].bytes > self->max_bytes / (2 * (uint64_t)self->used_slots);
}

void scope_correlator_pass(scope_correlator *self, uint32_t number)
{
    slot *owner = &self->slots[number];
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
            finish(self, group, SCOPE_GROUP_DONE);
    }
}

void scope_correlator_abort(scope_correlator *self, uint32_t number)
{
    for (scope_group *group = self->open.first, *next; group; group = next) {
        next = group->next;
        if (group->slot == number)
            finish(self, group, group->ended || !group->begun ? SCOPE_GROUP_DONE : SCOPE_GROUP_ABORTED);
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
        catch_up(self, group);
        bool quiet = now_ns > group->fed_ns && now_ns - group->fed_ns > QUIET_LOSSY_NS;
        if (scope_group_awaited(self, group))
            awaited++;
        else if (!group->begun || (group->inexact && quiet && !group->ended))
            finish(self, group, SCOPE_GROUP_DONE);
    }
    return awaited;
}

static scope_group *take_out(scope_correlator *self, scope_group *group)
{
    if (group) {
        unlink_from(&self->finished, group);
        self->slots[group->slot].finished--;
        hold(self, group, -(int64_t)(frame_bytes(group) + group->capacity));
    }
    return group;
}

scope_group *scope_correlator_take(scope_correlator *self)
{
    return take_out(self, self->finished.first);
}

scope_group *scope_correlator_take_of(scope_correlator *self, uint32_t number)
{
    scope_group *group = self->finished.first;
    while (group && group->slot != number)
        group = group->next;
    return take_out(self, group);
}

uint32_t scope_correlator_finished(const scope_correlator *self, uint32_t number)
{
    return self->slots[number].finished;
}

void scope_group_free(scope_correlator *self, scope_group *group)
{
    free(group->method);
    free(group->path);
    free(group->id);
    free(group->route);
    if (self->spare_count < SPARES_MAX && group->capacity <= SPARE_BYTES_MAX) {
        group->next = self->spares;
        self->spares = group;
        self->spare_count++;
        return;
    }
    free(group->bytes);
    free(group);
}

scope_group *scope_correlator_first_open(scope_correlator *self)
{
    for (scope_group *group = self->open.first; group; group = group->next)
        catch_up(self, group);
    return self->open.first;
}

void scope_group_flushed(scope_correlator *self, scope_group *group)
{
    hold(self, group, -(int64_t)group->capacity);
    free(group->bytes);
    group->bytes = NULL;
    group->size = group->capacity = 0;
    group->note_count = 0;
    group->last_lane = SCOPE_NO_LANE;
    group->placed = group->dirty = false;
    group->pieces++;
}

bool scope_correlator_restore(scope_correlator *self, uint32_t number, uint64_t key, const uint8_t *bytes, size_t size)
{
    scope_group *group = find_group(self, number, key);
    if (!group && !(group = open_group(self, number, key)))
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

scope_correlator_statistics scope_correlator_read_statistics(const scope_correlator *self)
{
    return self->statistics;
}
