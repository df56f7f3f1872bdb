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

/* The first position that a writer cannot have touched since `tail` was read. */
static uint64_t first_safe(const scope_segment *segment, const scope_lane_control *control, uint64_t capacity)
{
    if (segment->header.policy != SCOPE_OVERWRITE_OLDEST)
        return 0;
    /* pairs with the release fence in own_block(): if the copy holds a byte of the new lap, its intent is seen here */
    scope_fence_acquire();
    uint64_t intent = scope_load_relaxed(&control->intent);
    return intent > capacity ? intent - capacity : 0;
}

static void tell_lost(pass *self, uint64_t events, enum scope_loss reason)
{
    if (events)
        self->sink->lost(self->sink->self, self->lane, self->last_ns, events, reason);
}

/* A BLOCK record at `at`: compares the event number that it carries with the one expected. */
static void enter_block(pass *self, uint64_t at, enum scope_loss reason)
{
    uint64_t sequence = scope_load64(self->bytes + (at - self->from) + 8);
    uint64_t expected = self->reader->sequence;
    if (expected != SCOPE_SEQUENCE_UNKNOWN && sequence > expected)
        tell_lost(self, sequence - expected, reason);
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
    if (type >= SCOPE_EVENTS ? words < SCOPE_PREFIX_WORDS : type != SCOPE_FILL && type != SCOPE_BLOCK && words < 3)
        return 0;
    return type ? words : 0;
}

static void hand_over(pass *self, uint64_t at, uint64_t words)
{
    const uint8_t *record = self->bytes + (at - self->from);
    uint8_t type = scope_header_type(scope_load64(record));
    self->last_ns = scope_load64(record + 8);
    if (type == SCOPE_GAP) {
        if (words >= 4)
            tell_lost(self, scope_load64(record + 16), SCOPE_LOST_FULL);
        return;
    }
    if (type >= SCOPE_EVENTS) {
        self->events++;
        if (self->reader->sequence != SCOPE_SEQUENCE_UNKNOWN)
            self->reader->sequence++;
    }
    self->sink->record(self->sink->self, self->lane, at, record, words);
}

/* Gives up the block around `at`; where the next one begins. */
static uint64_t quarantine(pass *self, uint64_t at)
{
    self->reader->quarantined++;
    uint64_t next = (at & ~(self->block_bytes - 1)) + self->block_bytes;
    return next < self->to ? next : self->to;
}

static void read_records(pass *self, uint64_t at, enum scope_loss reason)
{
    while (at < self->to) {
        uint64_t words = frame(self, at);
        if (!words) {
            at = quarantine(self, at);
            reason = SCOPE_LOST_LAPPED;
            continue;
        }
        uint8_t type = scope_header_type(scope_load64(self->bytes + (at - self->from)));
        if (type == SCOPE_BLOCK)
            enter_block(self, at, reason);
        else if (type != SCOPE_FILL)
            hand_over(self, at, words);
        at += words * 8;
    }
}

uint64_t scope_lane_read(const scope_segment *segment, uint32_t lane, scope_lane_reader *reader, uint8_t *buffer,
                         const scope_sink *sink)
{
    scope_lane_control *control = &segment->lanes[lane];
    uint64_t capacity = scope_lane_bytes(&segment->header, lane);
    /* pairs with the release store of the commit: every record below is whole */
    uint64_t tail = scope_load_acquire(&control->tail);
    if (tail == reader->head)
        return 0;
    if (tail % 8 || tail < reader->seen_tail || tail > FURTHEST) {
        /* a tail that goes back, is crooked or out of reach is damage: nothing of this lane can be trusted until it is sane */
        reader->quarantined++;
        return 0;
    }
    reader->seen_tail = tail;
    uint64_t from = reader->head;
    if (tail - from > capacity) {
        uint64_t block = segment->header.block_bytes;
        from = (tail - capacity + block - 1) & ~(block - 1);
    }
    copy_out(segment, lane, from, tail, buffer);
    uint64_t safe = first_safe(segment, control, capacity);
    uint64_t start = safe > from ? safe : from;
    start = start < tail ? start : tail;
    start = (start + 7) & ~UINT64_C(7);
    pass self = {
        .sink = sink,
        .reader = reader,
        .bytes = buffer,
        .from = from,
        .to = tail,
        .block_bytes = segment->header.block_bytes,
        .lane = lane,
        .last_ns = scope_clock_now(),
    };
    read_records(&self, start, SCOPE_LOST_LAPPED);
    reader->head = tail;
    return self.events;
}
