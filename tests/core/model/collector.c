/* The collector: reads lanes, then definitions; stores; then publishes heads. When the writers have ended it drains what is
 * left. It may die anywhere: what it has not stored it has not read.
 */
#include <string.h>

#include "replaced.h"
#include "world.h"

typedef struct {
    world_collector *collector;
    world_lane *lane;
} delivery;

static void check_event(world_lane *lane, uint32_t number, const uint8_t *record, uint64_t words)
{
    uint64_t third = model_examine(record + 16), fourth = model_examine(record + 24);
    uint64_t refused = fourth & ((UINT64_C(1) << WORLD_OWN_REFUSALS) - 1), thread = fourth >> 32;
    bool own = fourth >> WORLD_OWN_REFUSALS & 1;
    if (model_examine(record + 8) != world_payload(number, lane->taken, 1))
        model_violated("exact", "event %llu of lane %u is none or another", (unsigned long long)lane->taken, number);
    if (scope_request_key(model_examine(record), third) != number + 1)
        model_violated("exact", "the key of event %llu is torn", (unsigned long long)lane->taken);
    for (uint64_t word = SCOPE_PREFIX_WORDS; word < words; word++)
        if (model_examine(record + 8 * word) != world_payload(number, lane->taken, word))
            model_violated("exact", "word %llu of event %llu is torn", (unsigned long long)word,
                           (unsigned long long)lane->taken);
    if (own && refused > lane->refused)
        model_violated("gap", "%llu events were refused before this one, %llu were told of", (unsigned long long)refused,
                       (unsigned long long)lane->refused);
    lane->owed = refused;
    if (thread != lane->thread)
        model_violated("introduced", "an event of thread %llu is taken for one of %llu", (unsigned long long)thread,
                       (unsigned long long)lane->thread);
}

static void take_record(void *self, uint32_t number, uint64_t position, const uint8_t *record, uint64_t words)
{
    delivery *to = self;
    world_lane *lane = to->lane;
    uint8_t type = scope_header_type(model_examine(record));
    (void)position;
    if (type == SCOPE_LANE) {
        lane->thread = (uint32_t)model_examine(record + 16);
        return;
    }
    if (type != SCOPE_MARK)
        model_violated("exact", "a record of type %u that nobody wrote", type);
    check_event(lane, number, record, words);
    uint64_t site = model_examine(record + 16) >> 32;
    if (site > to->collector->now.named)
        to->collector->now.named = site;
    lane->taken++;
}

static void take_loss(void *self, uint32_t number, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    delivery *to = self;
    (void)number, (void)time_ns;
    if (reason == SCOPE_LOST_LAPPED && world_running->policy != SCOPE_OVERWRITE_OLDEST && !world_running->steered) {
        if (!world_ghost_of(model_now())->promised)
            model_violated("kept", "%llu events of a lane that overwrites nothing are gone", (unsigned long long)events);
        to->collector->wronged = true;
    }
    if (reason == SCOPE_LOST_LAPPED) {
        to->lane->taken += events;
        to->lane->thread = 0;
    } else if (reason == SCOPE_LOST_FULL || reason == SCOPE_LOST_TIMED_OUT) {
        to->lane->refused += events;
    }
}

/* Stores the head that this pass will end with, before it has copied anything. */
static void promise(void)
{
    uint64_t tail = scope_load_acquire(&world_segment.lanes[0].tail);
    if (tail == 0 || !model_choose(2))
        return;
    model_store_early(&world_segment.lanes[0].head, tail);
    world_ghost_of(model_now())->promised = tail;
}

static void read_lane(world_collector *self)
{
    static uint8_t buffer[WORLD_LANE_BYTES];
    world_lane *lane = &self->now.lanes[self->lane];
    delivery to = {self, lane};
    scope_sink sink = {&to, take_record, take_loss};
    memset(buffer, 0, sizeof buffer);
    scope_lane_read(&world_segment, self->lane, &lane->reader, buffer, &sink);
    scope_read_losses(world_segment.lanes[self->lane].lost, lane->reader.told, self->lane, &sink);
    if (lane->owed > lane->refused)
        model_violated("gap", "%llu events were refused before the last, %llu were told of", (unsigned long long)lane->owed,
                       (unsigned long long)lane->refused);
    lane->owed = 0;
    if (lane->reader.quarantined)
        model_violated("damage", "lane %u is taken for damaged at head %llu", self->lane,
                       (unsigned long long)lane->reader.head);
}

/* After the lanes: so what an event names is defined. */
static void read_definitions(world_collector *self)
{
    uint8_t entries[WORLD_DEFINITIONS_BYTES];
    uint64_t tail = scope_load_acquire(&world_segment.control->definitions_tail), at = self->now.definitions_at;
    scope_load_bytes(entries, world_segment.definitions + at / 8, (tail - at) / 8);
    for (uint64_t entry = 0; at < tail; at += 16, entry += 16) {
        if (model_examine(entries + entry) != (16 | UINT64_C(1) << 32)
            || model_examine(entries + entry + 8) != world_definition(self->now.sites + 1))
            model_violated("definition", "site %llu is torn", (unsigned long long)self->now.sites + 1);
        self->now.sites++;
    }
    self->now.definitions_at = at;
}

static void check_names(const world_collector *self)
{
    if (self->now.named > self->now.sites)
        model_violated("undefined", "site %llu is named and not defined", (unsigned long long)self->now.named);
}

static void await_writers(void)
{
    bool ended = true;
    for (unsigned actor = 1; actor <= world_writers(); actor++)
        ended &= model_now()->actors[actor].phase >= MODEL_ENDED;
    model_await(ended);
    for (unsigned actor = 1; actor <= world_writers(); actor++)
        model_join(actor);
}

static void next_phase(world_collector *self)
{
    bool more = (self->phase == WORLD_READ || self->phase == WORLD_PUBLISH) && ++self->lane < world_running->lanes;
    if (more)
        return;
    self->lane = 0;
    if (self->phase == WORLD_AWAIT) {
        self->last = true;
        self->phase = WORLD_PROMISE;
    } else if (self->phase < WORLD_PUBLISH) {
        self->phase++;
    } else if (self->last) {
        self->phase = WORLD_FINISH;
    } else if (self->phase == WORLD_PUBLISH && world_running->steered && self->passes + 1 == world_running->passes) {
        self->phase = WORLD_STEER;
    } else {
        self->phase = self->passes ? WORLD_PROMISE : WORLD_AWAIT;
    }
}

static void begin_pass(world_collector *self)
{
    if (self->lane > 0)
        return;
    self->passes -= self->passes && !self->last;
    if (model_observe(world_ghost_of(model_now())->restarts) == 0)
        memset(&self->stored, 0, sizeof self->stored); /* nobody will go back to it */
}

static void publish(const world_collector *self)
{
    uint64_t head = self->stored.lanes[self->lane].reader.head;
    scope_lane_publish(&world_segment, self->lane, head);
    world_ghost_of(model_now())->cut_short[self->lane] = false;
    if (self->wronged)
        model_violated("kept", "events were overwritten while they were copied");
}

static void steer(void)
{
    scope_segment_steer(&world_segment, (uint64_t)(world_running->steered_to + 1) << SCOPE_CONTROL_POLICY_SHIFT);
}

void world_collect(unsigned actor, void *data)
{
    world_collector *self = data;
    (void)actor;
    switch ((enum world_phase)self->phase) {
    case WORLD_PROMISE:
        if (world_running->early)
            promise();
        break;
    case WORLD_READ:
        begin_pass(self);
        read_lane(self);
        break;
    case WORLD_DEFINE:
        read_definitions(self);
        check_names(self);
        break;
    case WORLD_STORE:
        self->stored = self->now;
        break;
    case WORLD_PUBLISH:
        publish(self);
        break;
    case WORLD_STEER:
        steer();
        break;
    case WORLD_AWAIT:
        await_writers();
        break;
    case WORLD_FINISH:
        model_end();
    }
    next_phase(self);
}
