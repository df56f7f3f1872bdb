/* Keeps the groups. What they are for is told in correlate.h. */
#include "groups.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ids.h"

#define SPARES_MAX 1024 /* groups kept for reuse */
#define SPARE_BYTES_MAX 4096

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

void scope_group_stand(scope_correlator *self, const scope_group *group, int64_t bytes)
{
    self->statistics.standing += (uint64_t)bytes;
    self->slots[group->slot].standing += (uint64_t)bytes;
}

static void append(scope_group_list *to, scope_group *group)
{
    group->previous = to->last;
    group->next = NULL;
    *(to->last ? &to->last->next : &to->first) = group;
    to->last = group;
}

static void unlink_from(scope_group_list *from, scope_group *group)
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

static void free_list(scope_correlator *self, scope_group_list *groups)
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
    for (uint32_t number = 0; number < self->slot_count; number++) {
        free(self->slots[number].introduced);
        scope_process_log_clear(&self->slots[number].log);
    }
    free(self->slots);
    free(self->buckets);
    free(self);
}

static int64_t free_slot(scope_correlator *self)
{
    for (uint32_t number = 0; number < self->slot_count; number++)
        if (!self->slots[number].used && !self->slots[number].finished)
            return number;
    scope_slot *grown = realloc(self->slots, (self->slot_count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    self->slots = grown;
    self->slots[self->slot_count] = (scope_slot){0};
    return self->slot_count++;
}

int64_t scope_correlator_add(scope_correlator *self, uint32_t lanes)
{
    int64_t number = free_slot(self);
    if (number < 0)
        return -1;
    scope_lane_note *introduced = calloc(lanes, sizeof *introduced);
    if (!introduced)
        return -1;
    self->slots[number] = (scope_slot){.used = true, .lanes = lanes, .introduced = introduced};
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

bool scope_group_keep(scope_correlator *self, scope_group *group, const void *record, uint64_t words)
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

void scope_group_lose(scope_correlator *self, scope_group *group, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    uint64_t gap[4] = {scope_header(SCOPE_GAP, 4, 0, 0), time_ns, events, reason};
    group->lost += events;
    group->inexact = true;
    group->dirty = true;
    if (scope_group_keep(self, group, gap, 4) && !group->placed)
        group->position = SCOPE_NOWHERE << 48 | (scope_clock_now() & SCOPE_PLACE_MASK);
}

void scope_group_catch_up(scope_correlator *self, scope_group *group)
{
    const scope_slot *owner = &self->slots[group->slot];
    if (group->losses_seen == owner->losses)
        return;
    group->losses_seen = owner->losses;
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++) {
        uint64_t events = owner->lost[reason] - group->lost_seen[reason];
        group->lost_seen[reason] = owner->lost[reason];
        if (events)
            scope_group_lose(self, group, owner->lost_ns[reason], events, (enum scope_loss)reason);
    }
}

void scope_group_finish(scope_correlator *self, scope_group *group, enum scope_group_state state)
{
    scope_group_catch_up(self, group);
    forget_bucket(self, group);
    unlink_from(&self->open, group);
    scope_group_stand(self, group, -(int64_t)frame_bytes(group));
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
        scope_group_stand(self, group, -(int64_t)frame_bytes(group));
        hold(self, group, -(int64_t)group->capacity);
        scope_group_free(self, group);
    }
    free(self->slots[number].introduced);
    scope_process_log_clear(&self->slots[number].log);
    self->slots[number] = (scope_slot){.finished = self->slots[number].finished, .bytes = self->slots[number].bytes};
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

scope_group *scope_group_open(scope_correlator *self, uint32_t number, uint64_t key)
{
    scope_group *group = new_group(self);
    if (!group)
        return NULL;
    group->slot = number;
    group->key = key;
    group->last_lane = SCOPE_NO_LANE;
    const scope_slot *owner = &self->slots[number];
    group->opened_pass = owner->passes;
    group->missed = owner->lost_now + owner->lost_before;
    group->missed_until_ns = scope_later(owner->lost_until_ns, owner->found_ns);
    group->losses_seen = owner->losses;
    memcpy(group->lost_seen, owner->lost, sizeof group->lost_seen);
    scope_group_stand(self, group, (int64_t)frame_bytes(group));
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

scope_group *scope_group_find(const scope_correlator *self, uint32_t number, uint64_t key)
{
    scope_group *group = self->recent;
    if (group && group->key == key && group->slot == number)
        return group;
    for (group = self->buckets[bucket_of(self, number, key)]; group; group = group->next_in_bucket)
        if (group->key == key && group->slot == number)
            return group;
    return NULL;
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
        scope_group_finish(self, group, ended ? SCOPE_GROUP_DONE : SCOPE_GROUP_ABORTED);
    }
}

void scope_groups_make_room(scope_correlator *self)
{
    uint32_t most = 0;
    for (uint32_t number = 1; number < self->slot_count; number++)
        if (self->slots[number].standing > self->slots[most].standing)
            most = number;
    uint64_t enough = self->slots[most].standing / 8 * 7;
    finish_oldest(self, most, true, enough);
    finish_oldest(self, most, false, enough);
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
