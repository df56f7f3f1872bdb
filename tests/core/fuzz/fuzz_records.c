/* The correlator, fed with records of any content in any order, while segments come and go and losses are told.
 *
 * The input is a run of steps: a byte that says which, then what it needs. Records are framed soundly, as the reader of lanes
 * sees to that; nothing else about them is.
 */
#include "groups.h"

enum { SLOTS = 4, LANES = 3, WORDS_MAX = 96, HELD_MAX = 1 << 16 };

enum { FEED, FEED_TOO, LOSE, PASS, ABORT, SWEEP, TAKE_FINISHED, TAKE_OPEN, COME, GO, RESTORE, STEPS };

typedef struct {
    scope_correlator *correlator;
    int64_t slots[SLOTS]; /* -1: none */
    uint64_t positions[SLOTS][LANES];
    uint64_t now_ns;
    source from;
} world;

static void feed(world *self, unsigned which)
{
    uint64_t record[WORDS_MAX];
    uint8_t lane = take8(&self->from) % LANES;
    take(&self->from, record, 8);
    uint64_t words = scope_header_words(record[0]);
    uint8_t type = scope_header_type(record[0]);
    uint64_t least = type >= SCOPE_EVENTS ? SCOPE_PREFIX_WORDS : scope_note_words(type);
    words = words < least ? least : words > WORDS_MAX ? WORDS_MAX : words;
    record[0] = scope_header(type, words, self->positions[which][lane], 0) | record[0] >> 48 << 48;
    take(&self->from, record + 1, 8 * words - 8);
    uint8_t *copy = (uint8_t *)exact_copy((const uint8_t *)record, 8 * words);
    scope_correlator_feed(self->correlator, (uint32_t)self->slots[which], lane, self->positions[which][lane], copy, words,
                          self->now_ns);
    free(copy);
    self->positions[which][lane] += 8 * words;
}

static void restore(world *self, uint32_t slot)
{
    uint64_t key = take16(&self->from);
    size_t size = take16(&self->from) % 512;
    uint8_t bytes[512];
    take(&self->from, bytes, size);
    char *copy = exact_copy(bytes, size);
    scope_correlator_restore(self->correlator, slot, key, (const uint8_t *)copy, size);
    free(copy);
}

static void come_or_go(world *self, unsigned which, bool come)
{
    if (come == (self->slots[which] >= 0))
        return;
    if (come)
        self->slots[which] = scope_correlator_add(self->correlator, LANES);
    else
        scope_correlator_remove(self->correlator, (uint32_t)self->slots[which]);
    if (!come)
        self->slots[which] = -1;
}

static void step_of_slot(world *self, uint8_t step, unsigned which)
{
    uint32_t slot = (uint32_t)self->slots[which];
    if (step <= FEED_TOO)
        feed(self, which);
    else if (step == LOSE)
        scope_correlator_lose(self->correlator, slot, take8(&self->from) % LANES, self->now_ns, take16(&self->from),
                              take8(&self->from) % SCOPE_LOSS_REASONS);
    else if (step == PASS)
        scope_correlator_pass(self->correlator, slot);
    else if (step == ABORT)
        scope_correlator_abort(self->correlator, slot);
    else
        restore(self, slot);
}

static void one_step(world *self)
{
    uint8_t code = take8(&self->from);
    uint8_t step = code % STEPS;
    unsigned which = code / STEPS % SLOTS;
    self->now_ns += 1000;
    if (step == SWEEP) {
        self->now_ns += (uint64_t)take8(&self->from) << 30;
        scope_correlator_sweep(self->correlator, self->now_ns);
    } else if (step == TAKE_FINISHED) {
        take_finished(self->correlator);
    } else if (step == TAKE_OPEN) {
        take_open(self->correlator);
    } else if (step == COME || step == GO) {
        come_or_go(self, which, step == COME);
    } else if (self->slots[which] >= 0) {
        step_of_slot(self, step, which);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memory_begin(4 * HELD_MAX + 2 * size);
    world self = {.correlator = scope_correlator_new(HELD_MAX), .slots = {0, -1, -1, -1}, .now_ns = 1, .from = {data, size}};
    HOLDS(self.correlator && scope_correlator_add(self.correlator, LANES) == 0, "no memory");
    while (self.from.left)
        one_step(&self);
    for (unsigned which = 0; which < SLOTS; which++)
        if (self.slots[which] >= 0)
            scope_correlator_abort(self.correlator, (uint32_t)self.slots[which]);
    take_open(self.correlator);
    take_finished(self.correlator);
    scope_correlator_statistics end = scope_correlator_read_statistics(self.correlator);
    HOLDS(end.open == 0 && end.bytes == 0, "%llu open, %llu bytes", (unsigned long long)end.open, (unsigned long long)end.bytes);
    scope_correlator_free(self.correlator);
    memory_end();
    return 0;
}
