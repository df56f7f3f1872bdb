/* Copies and validates what a lane has new. The algorithm is told in reader.h and ring.h. */
#include "reader.h"

#include "clock.h"

/* No writer gets there (an exabyte), and sums of positions below it do not overflow. */
#define FURTHEST (UINT64_C(1) << 60)

typedef struct {
    const scope_sink *sink;
    scope_lane_reader *reader;
    const uint8_t *bytes; /* the copy; bytes[0] is at position `from` */
    uint64_t from;
    uint64_t to;
    uint64_t block_bytes;
    uint32_t lane;
    uint64_t events;
    uint64_t last_ns;
} pass;

static void copy_out(const scope_segment *segment, uint32_t lane, uint64_t from, uint64_t to, uint8_t *buffer)
{
    const scope_word *data = (const scope_word *)(segment->base + scope_lane_offset(&segment->header, lane));
    uint64_t capacity = scope_lane_bytes(&segment->header, lane);
    uint64_t start = from & (capacity - 1);
    uint64_t first = to - from < capacity - start ? to - from : capacity - start;
    scope_load_bytes(buffer, data + start / 8, first / 8);
    scope_load_bytes(buffer + first, data, (to - from - first) / 8);
}

/* The first position that a writer cannot have touched since `tail` was read; false where the writer's announcement is none
 * that a writer leaves, so that nothing is known. */
static bool find_safe(const scope_lane_control *control, uint64_t tail, uint64_t block, uint64_t capacity, uint64_t *safe)
{
    /* pairs with the release fence in own_block(): if the copy holds a byte of the new lap, its intent is seen here */
    scope_fence_acquire();
    uint64_t intent = scope_load_relaxed(&control->intent);
    *safe = intent > capacity ? intent - capacity : 0;
    return intent >= tail && intent % block == 0;
}

/* `events` more were overwritten, or lay in a block that was given up. */
static void tell_lapped(pass *self, uint64_t events)
{
    self->reader->told[SCOPE_LOST_LAPPED] += events;
    self->sink->lost(self->sink->self, self->lane, self->last_ns, events, SCOPE_LOST_LAPPED);
}

/* A GAP says what the writer's counter was: what of that was not told of is news. */
static void tell_gap(pass *self, const uint8_t *record)
{
    uint64_t reason = scope_load64(record + 24), counted = scope_load64(record + 32);
    if (reason != SCOPE_LOST_FULL && reason != SCOPE_LOST_TIMED_OUT)
        return;
    uint64_t *told = &self->reader->told[reason];
    if (counted <= *told)
        return;
    uint64_t events = counted - *told;
    *told = counted;
    self->sink->lost(self->sink->self, self->lane, self->last_ns, events, (enum scope_loss)reason);
}

/* A BLOCK record at `at`: compares the event number that it carries with the one expected. */
static void enter_block(pass *self, uint64_t at)
{
    uint64_t sequence = scope_load64(self->bytes + (at - self->from) + 8);
    uint64_t expected = self->reader->sequence;
    if (expected != SCOPE_SEQUENCE_UNKNOWN && sequence > expected)
        tell_lapped(self, sequence - expected);
    if (expected == SCOPE_SEQUENCE_UNKNOWN || sequence > expected)
        self->reader->sequence = sequence;
}

/* Whether the words at `at` are framed as a record that lies inside its block and inside the copy. */
static uint64_t frame(const pass *self, uint64_t at)
{
    uint64_t header = scope_load64(self->bytes + (at - self->from));
    uint64_t words = scope_header_words(header);
    uint64_t room = self->block_bytes - (at & (self->block_bytes - 1));
    uint8_t type = scope_header_type(header);
    if (scope_header_stamp(header) != scope_stamp(at) || words == 0 || words * 8 > room || words * 8 > self->to - at)
        return 0;
    if (type == SCOPE_BLOCK ? words != SCOPE_BLOCK_WORDS || room != self->block_bytes : room == self->block_bytes)
        return 0;
    if (words < (type >= SCOPE_EVENTS ? SCOPE_PREFIX_WORDS : scope_note_words(type)))
        return 0;
    return type ? words : 0;
}

/* A record other than FILL and BLOCK. Notes of a type that is not known are passed over. */
static void hand_over(pass *self, uint64_t at, uint64_t words)
{
    const uint8_t *record = self->bytes + (at - self->from);
    uint8_t type = scope_header_type(scope_load64(record));
    if (type < SCOPE_EVENTS && type != SCOPE_LANE && type != SCOPE_GAP)
        return;
    self->last_ns = scope_load64(record + 8);
    if (type == SCOPE_GAP) {
        if (words >= SCOPE_GAP_WORDS)
            tell_gap(self, record);
        return;
    }
    if (type >= SCOPE_EVENTS) {
        self->events++;
        if (self->reader->sequence != SCOPE_SEQUENCE_UNKNOWN)
            self->reader->sequence++;
    }
    self->sink->record(self->sink->self, self->lane, at, record, words);
}

/* Where the block after that around `at` begins, or what was copied ends. */
static uint64_t next_block(const pass *self, uint64_t at)
{
    uint64_t next = (at & ~(self->block_bytes - 1)) + self->block_bytes;
    return next < self->to ? next : self->to;
}

static void read_records(pass *self, uint64_t at)
{
    while (at < self->to) {
        uint64_t words = frame(self, at);
        if (!words) {
            self->reader->quarantined++;
            at = next_block(self, at);
            continue;
        }
        uint8_t type = scope_header_type(scope_load64(self->bytes + (at - self->from)));
        if (type == SCOPE_BLOCK)
            enter_block(self, at);
        else if (type != SCOPE_FILL)
            hand_over(self, at, words);
        at = type == SCOPE_FILL ? next_block(self, at) : at + words * 8;
    }
}

/* Whether a writer can have come from where it was to `tail`. */
static bool is_sound(const scope_lane_reader *reader, uint64_t tail)
{
    return tail % 8 == 0 && tail >= reader->seen_tail && tail <= FURTHEST;
}

static uint64_t give_up(scope_lane_reader *reader)
{
    reader->quarantined++;
    return 0;
}

uint64_t scope_lane_read(const scope_segment *segment, uint32_t lane, scope_lane_reader *reader, uint8_t *buffer,
                         const scope_sink *sink)
{
    scope_lane_control *control = &segment->lanes[lane];
    uint64_t capacity = scope_lane_bytes(&segment->header, lane), block = segment->header.block_bytes, safe;
    /* pairs with the release store of the commit: every record below is whole */
    uint64_t tail = scope_load_acquire(&control->tail);
    if (tail == reader->head)
        return 0;
    /* what cannot be is damage: nothing of this lane can be trusted until its control is sane */
    if (!is_sound(reader, tail))
        return give_up(reader);
    reader->seen_tail = tail;
    uint64_t from = reader->head;
    if (tail - from > capacity)
        from = (tail - capacity + block - 1) & ~(block - 1);
    uint64_t to = tail - from > SCOPE_READ_BYTES ? (from + SCOPE_READ_BYTES) & ~(block - 1) : tail;
    copy_out(segment, lane, from, to, buffer);
    if (!find_safe(control, tail, block, capacity, &safe))
        return give_up(reader);
    uint64_t start = safe > from ? safe : from;
    start = start < to ? start : to;
    start = (start + 7) & ~UINT64_C(7);
    pass self = {
        .sink = sink,
        .reader = reader,
        .bytes = buffer,
        .from = from,
        .to = to,
        .block_bytes = block,
        .lane = lane,
        .last_ns = scope_clock_now(),
    };
    read_records(&self, start);
    reader->head = to;
    return self.events;
}

void scope_read_losses(const scope_word *lost, uint64_t *told, uint32_t lane, const scope_sink *sink)
{
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++) {
        uint64_t counted = scope_load_relaxed(lost + reason);
        if (reason == SCOPE_LOST_LAPPED || counted <= told[reason])
            continue; /* lapped is counted by the reader */
        uint64_t events = counted - told[reason];
        told[reason] = counted;
        sink->lost(sink->self, lane, scope_clock_now(), events, (enum scope_loss)reason);
    }
}

/* Tells the lane's writer to look again, if it waits. What it is to see was stored before. */
static void tell_waiter(scope_lane_control *control)
{
    /* pairs with the full fence in wait_for_room() */
    scope_fence_full();
    if (!scope_load_relaxed32(&control->waiters))
        return;
    /* pairs with the acquire load in wait_for_room() */
    scope_store_release32(&control->futex, scope_load_relaxed32(&control->futex) + 1);
    scope_futex_wake(&control->futex);
}

void scope_lane_publish(const scope_segment *segment, uint32_t lane, uint64_t head)
{
    scope_lane_control *control = &segment->lanes[lane];
    /* pairs with the acquire load in has_room(): the bytes below are copied */
    scope_store_release(&control->head, head);
    tell_waiter(control);
}

void scope_segment_steer(const scope_segment *segment, uint64_t word)
{
    scope_store_release(&segment->control->control, word);
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++)
        tell_waiter(&segment->lanes[lane]);
}
