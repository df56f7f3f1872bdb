/* A collector killed before every store of the heads that it publishes, while the writer it serves lives on.
 *
 * What it stored before is durable; the positions are stored with it. Its successor goes on there, and reads whatever the
 * writer has committed since: everything once, and the writer never overwrites what was not stored.
 */
#include "crash.h"

enum { LANES = 3, WRITES = 500 };

/* What a store holds: per lane the position read up to, the number of the next event, and how many were stored. */
typedef struct {
    uint64_t heads[LANES], sequences[LANES], events[LANES];
} store;

_Static_assert(sizeof(store) <= SCOPE_PAGE, "a page is enough");

static scope_ring rings[LANES];

static void write_on(stage *self)
{
    for (int lane = 0; lane < LANES; lane++)
        for (int count = 0; count < WRITES; count++)
            tell_write(self->of, &rings[lane], self->what->words, refusal(self->what->sizes.policy));
}

/* In the survivor, which is the writer. */
static void begin_writing(stage *self)
{
    if (scope_segment_create(&self->segment, self->path, &self->what->sizes) < 0)
        abort();
    self->segment.block_ns = 0;
    self->of->made++;
    for (int lane = 0; lane < LANES; lane++)
        CHECK(scope_lane_claim(&self->segment, &rings[lane], 1, "", 0) == 0, "no lane");
    write_on(self);
    /* as if a thread slept on the first lane, so that it has to be told */
    scope_store_relaxed32(&self->segment.lanes[0].waiters, self->what->sizes.policy == SCOPE_BLOCK_WRITER);
}

/* Reads one lane from where the store says; everything committed since is there. */
static void go_on(const stage *self, const scope_segment *segment, reading *read, uint32_t lane)
{
    const store *had = (const store *)self->durable;
    uint64_t lapped = read->lost[SCOPE_LOST_LAPPED];
    scope_lane_reader from = {.head = had->heads[lane], .sequence = had->sequences[lane]};
    uint64_t last = survive_lane(segment, read, lane, from, had->events[lane]);
    CHECK(last == self->of->committed[lane], "lane %u: up to %llu of %llu", lane, (unsigned long long)last,
          (unsigned long long)self->of->committed[lane]);
    CHECK(read->lost[SCOPE_LOST_LAPPED] == lapped || self->what->sizes.policy == SCOPE_OVERWRITE_OLDEST,
          "lane %u: overwritten unread", lane);
    CHECK(read->torn == 0, "lane %u: %llu words torn", lane, (unsigned long long)read->torn);
}

/* A round: read, store all of it at once, and only then tell the writer. */
static void collect(stage *self)
{
    const char *fault;
    scope_segment segment;
    store next;
    CHECK(scope_segment_open(&segment, self->path, &fault) == 0, "%s", fault);
    reading read = new_reading(&segment);
    for (uint32_t lane = 0; lane < LANES; lane++) {
        go_on(self, &segment, &read, lane);
        next.heads[lane] = read.readers[lane].head;
        next.sequences[lane] = read.readers[lane].sequence;
        next.events[lane] = self->of->committed[lane];
    }
    memcpy(self->durable, &next, sizeof next);
    for (uint32_t lane = 0; lane < LANES; lane++)
        scope_lane_publish(&segment, lane, next.heads[lane]);
    end_reading(&read);
    scope_segment_close(&segment);
}

/* The writer goes on, then a second collector does, and then both once more. */
static void go_on_without_it(stage *self)
{
    for (int round = 0; round < 2; round++) {
        write_on(self);
        collect(self);
    }
    uint64_t delivered = 0;
    for (int lane = 0; lane < LANES; lane++)
        delivered += self->of->committed[lane];
    CHECK(delivered + counted_lost(&self->segment, refusal(self->what->sizes.policy)) == self->of->ended, "%llu",
          (unsigned long long)delivered);
    scope_segment_close(&self->segment);
}

int main(int count, char **arguments)
{
    bool thorough = crash_thorough(count, arguments);
    for (int policy = 0; policy < SCOPE_POLICIES; policy++)
        for (uint64_t words = SCOPE_PREFIX_WORDS; words < (thorough ? 60 : 15); words += thorough ? 1 : 5) {
            scope_segment_sizes sizes = sizes_with((enum scope_policy)policy);
            crash_case publishing = {"a collector's round", sizes, words, 0, 0, NULL, collect, go_on_without_it, begin_writing};
            crash_sweep(&publishing);
        }
    return crash_summary("crash at k, the collector's heads");
}
