/* The policy to block: who waits, who wakes, and what a writer does that is not woken. */
#include <errno.h>
#include <pthread.h>

#include "check.h"
#include "clock.h"
#include "segments.h"

#define MS UINT64_C(1000000)
#define LONG (UINT64_C(60) * 1000 * MS)

/* A segment whose first lane is full, as one writer filled it. */
typedef struct {
    scope_segment segment;
    scope_ring ring;
    uint64_t written;
} full_lane;

static void begin_full(full_lane *it, uint64_t block_ns)
{
    scope_segment_sizes sizes = sizes_with(SCOPE_BLOCK_WRITER);
    it->segment = new_segment(&sizes);
    it->segment.block_ns = 0;
    it->written = 0;
    CHECK(scope_lane_claim(&it->segment, &it->ring, 7, "writer", 6) == 0, "no lane");
    while (write_event(&it->ring, SCOPE_MARK, 1, 100, it->written + 1))
        it->written++;
    it->segment.block_ns = block_ns;
}

static uint64_t lost(const full_lane *it, enum scope_loss reason)
{
    return atomic_load(&it->segment.lanes[0].lost[reason]);
}

static void wait_until_it_sleeps(const scope_segment *segment)
{
    while (!atomic_load(&segment->lanes[0].waiters))
        sched_yield();
}

static void *write_one(void *self)
{
    full_lane *it = self;
    return write_event(&it->ring, SCOPE_MARK, 1, 100, 77) ? it : NULL;
}

static void a_writer_that_waits_is_woken_by_what_is_published(void)
{
    full_lane it;
    pthread_t thread;
    void *wrote;
    begin_full(&it, LONG);
    scope_lane_publish(&it.segment, 0, 8); /* something moves: the deadline of the filling is forgotten */
    pthread_create(&thread, NULL, write_one, &it);
    wait_until_it_sleeps(&it.segment);
    scope_lane_publish(&it.segment, 0, BLOCK - 8);
    CHECK(atomic_load(&it.segment.lanes[0].waiters) == 1, "a block that is not left whole was entered");
    scope_lane_publish(&it.segment, 0, BLOCK);
    pthread_join(thread, &wrote);
    CHECK(wrote != NULL && atomic_load(&it.segment.lanes[0].waiters) == 0 && !it.ring.busy, "not written");
    CHECK(lost(&it, SCOPE_LOST_TIMED_OUT) == 1 && lost(&it, SCOPE_LOST_FULL) == 0, "only the filling lost one");
    scope_segment_close(&it.segment);
}

static void a_deadline_that_passes_is_a_loss_of_its_own(void)
{
    full_lane it;
    begin_full(&it, MS);
    scope_lane_publish(&it.segment, 0, 8);
    CHECK(!write_event(&it.ring, SCOPE_MARK, 1, 100, 1), "there is no room");
    CHECK(lost(&it, SCOPE_LOST_TIMED_OUT) == 2 && lost(&it, SCOPE_LOST_FULL) == 0, "the reason");
    CHECK(atomic_load(&it.segment.lanes[0].waiters) == 0 && !it.ring.busy, "it still waits");
    scope_lane_publish(&it.segment, 0, BLOCK);
    CHECK(write_event(&it.ring, SCOPE_MARK, 1, 100, 1), "there is room again");
    uint64_t at = (it.ring.tail - 8 * (100 + SCOPE_GAP_WORDS)) & it.ring.mask;
    CHECK(scope_header_type(scope_load64((const uint8_t *)it.ring.data + at)) == SCOPE_GAP, "no GAP");
    CHECK(scope_load64((const uint8_t *)it.ring.data + at + 24) == SCOPE_LOST_TIMED_OUT, "the GAP's reason");
    CHECK(scope_load64((const uint8_t *)it.ring.data + at + 32) == 2, "the GAP's count");
    scope_segment_close(&it.segment);
}

static int slept;

static enum scope_slept count_sleeps(void *self, scope_futex *at, uint32_t expected, uint64_t deadline_ns)
{
    (void)at, (void)expected, (void)deadline_ns;
    slept++;
    return *(enum scope_slept *)self;
}

/* A full lane, of which the collector has stored a little, and a sleeper that only counts and gives `answer`. */
static void begin_counting(full_lane *it, enum scope_slept *answer)
{
    begin_full(it, LONG);
    it->segment.sleeper = count_sleeps;
    it->segment.sleeper_self = answer;
    scope_lane_publish(&it->segment, 0, 8);
    slept = 0;
}

/* A collector that stands still costs one deadline, however much is written. */
static void after_a_deadline_nobody_waits_until_head_moves(void)
{
    full_lane it;
    enum scope_slept answer = SCOPE_SLEPT_PAST_DEADLINE;
    begin_counting(&it, &answer);
    for (int turn = 0; turn < 100; turn++)
        write_event(&it.ring, SCOPE_MARK, 1, 100, 1);
    CHECK(slept == 1 && lost(&it, SCOPE_LOST_TIMED_OUT) == 101, "%d sleeps", slept);
    scope_lane_publish(&it.segment, 0, 16);
    write_event(&it.ring, SCOPE_MARK, 1, 100, 1);
    CHECK(slept == 2, "%d sleeps", slept);
    scope_segment_close(&it.segment);
}

static void who_may_not_sleep_loses_as_if_the_policy_were_to_discard(void)
{
    full_lane it;
    enum scope_slept answer = SCOPE_SLEEP_REFUSED;
    begin_counting(&it, &answer);
    for (int turn = 0; turn < 3; turn++)
        CHECK(!write_event(&it.ring, SCOPE_MARK, 1, 100, 1), "there is no room");
    CHECK(lost(&it, SCOPE_LOST_FULL) == 3 && slept == 3, "%d asked", slept);
    answer = SCOPE_SLEPT_PAST_DEADLINE;
    write_event(&it.ring, SCOPE_MARK, 1, 100, 1);
    CHECK(slept == 4, "a refusal is no deadline: who may sleep is asked each time");
    scope_segment_close(&it.segment);
}

/* The control word is heeded at the next block, and by those that sleep at once. */
static void the_policy_can_be_changed_while_a_writer_waits(enum scope_policy to)
{
    full_lane it;
    pthread_t thread;
    void *wrote;
    begin_full(&it, LONG);
    scope_lane_publish(&it.segment, 0, 8);
    pthread_create(&thread, NULL, write_one, &it);
    wait_until_it_sleeps(&it.segment);
    scope_segment_steer(&it.segment, (uint64_t)(to + 1) << SCOPE_CONTROL_POLICY_SHIFT);
    pthread_join(thread, &wrote);
    CHECK((wrote != NULL) == (to == SCOPE_OVERWRITE_OLDEST), "policy %d", to);
    CHECK(lost(&it, SCOPE_LOST_FULL) == (to == SCOPE_DISCARD_NEWEST), "policy %d", to);
    scope_segment_close(&it.segment);
}

static void an_unknown_wish_changes_no_policy(void)
{
    scope_segment_sizes sizes = sizes_with(SCOPE_DISCARD_NEWEST);
    scope_segment segment = new_segment(&sizes);
    for (uint64_t wish = 0; wish <= SCOPE_CONTROL_POLICY_MASK; wish++) {
        uint64_t others = ~(SCOPE_CONTROL_POLICY_MASK << SCOPE_CONTROL_POLICY_SHIFT);
        scope_segment_steer(&segment, others | wish << SCOPE_CONTROL_POLICY_SHIFT);
        enum scope_policy wanted = wish && wish <= SCOPE_POLICIES ? (enum scope_policy)(wish - 1) : SCOPE_DISCARD_NEWEST;
        CHECK(scope_segment_policy(&segment) == wanted, "wish %llu", (unsigned long long)wish);
    }
    scope_segment_close(&segment);
}

/* ---- a writer at full speed and a reader that is slower than it ---- */

typedef struct {
    scope_segment segment;
    scope_ring ring;
    uint64_t count, written;
    _Atomic bool done;
} writing;

static void *write_many(void *self)
{
    writing *it = self;
    uint64_t state = 9;
    for (uint64_t value = 1; value <= it->count; value++)
        it->written += write_event(&it->ring, SCOPE_MARK, 1, 4 + random_number(&state) % 60, value);
    atomic_store(&it->done, true);
    return NULL;
}

static void begin_writing(writing *it, uint64_t count)
{
    scope_segment_sizes sizes = sizes_with(SCOPE_BLOCK_WRITER);
    *it = (writing){.segment = new_segment(&sizes), .count = count};
    it->segment.block_ns = LONG;
    scope_lane_claim(&it->segment, &it->ring, 7, "writer", 6);
}

/* With a deadline that never comes, a wake that got lost would hang here. */
static void no_wake_is_lost(void)
{
    writing it;
    pthread_t thread;
    begin_writing(&it, 300000);
    reading read = new_reading(&it.segment);
    pthread_create(&thread, NULL, write_many, &it);
    bool done;
    do {
        done = atomic_load(&it.done);
        read_lane(&read, &it.segment, 0);
        scope_lane_publish(&it.segment, 0, read.readers[0].head);
    } while (!done);
    pthread_join(thread, NULL);
    CHECK(read.count == it.count && it.written == it.count && read.torn == 0, "%zu of %llu", read.count,
          (unsigned long long)it.count);
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++)
        CHECK(read.lost[reason] == 0, "reason %d", reason);
    end_reading(&read);
    scope_segment_close(&it.segment);
}

/* Whatever the policy was when, what is read is whole and in order, and what is not read was counted. */
static void a_reader_is_exact_while_the_policy_changes(void)
{
    writing it;
    pthread_t thread;
    begin_writing(&it, 300000);
    it.segment.block_ns = MS / 10;
    reading read = new_reading(&it.segment);
    uint64_t state = 12;
    pthread_create(&thread, NULL, write_many, &it);
    bool done;
    do {
        done = atomic_load(&it.done);
        scope_segment_steer(&it.segment, (random_number(&state) % (SCOPE_POLICIES + 1)) << SCOPE_CONTROL_POLICY_SHIFT);
        if (done || random_number(&state) % 3)
            read_lane(&read, &it.segment, 0);
        scope_lane_publish(&it.segment, 0, read.readers[0].head);
    } while (!done);
    pthread_join(thread, NULL);
    scope_sink sink = {&read, reading_record, reading_lost};
    scope_read_losses(it.segment.lanes[0].lost, read.readers[0].told, 0, &sink);
    CHECK(read.torn == 0, "%llu torn", (unsigned long long)read.torn);
    for (size_t index = 1; index < read.count; index++)
        CHECK(read.values[index] > read.values[index - 1], "order");
    CHECK(read.count + read.lost[SCOPE_LOST_LAPPED] == it.written, "%zu + %llu of %llu", read.count,
          (unsigned long long)read.lost[SCOPE_LOST_LAPPED], (unsigned long long)it.written);
    CHECK(read.lost[SCOPE_LOST_FULL] + read.lost[SCOPE_LOST_TIMED_OUT] == it.count - it.written, "refused");
    end_reading(&read);
    scope_segment_close(&it.segment);
}

/* GAPs and counters say the same losses: each is told of once, whichever is met first. */
static void losses_are_told_of_once(void)
{
    full_lane it;
    begin_full(&it, 0);
    reading read = new_reading(&it.segment);
    scope_sink sink = {&read, reading_record, reading_lost};
    scope_read_losses(it.segment.lanes[0].lost, read.readers[0].told, 0, &sink);
    CHECK(read.lost[SCOPE_LOST_TIMED_OUT] == 1, "by the counter");
    write_event(&it.ring, SCOPE_MARK, 1, 100, 1);
    read_lane(&read, &it.segment, 0);
    scope_lane_publish(&it.segment, 0, read.readers[0].head);
    write_event(&it.ring, SCOPE_MARK, 1, 100, 1);
    read_lane(&read, &it.segment, 0);
    CHECK(read.lost[SCOPE_LOST_TIMED_OUT] == 2, "by the GAP: what is new in it");
    scope_read_losses(it.segment.lanes[0].lost, read.readers[0].told, 0, &sink);
    CHECK(read.lost[SCOPE_LOST_TIMED_OUT] == 2 && lost(&it, SCOPE_LOST_TIMED_OUT) == 2, "twice");
    end_reading(&read);
    scope_segment_close(&it.segment);
}

int main(void)
{
    a_writer_that_waits_is_woken_by_what_is_published();
    a_deadline_that_passes_is_a_loss_of_its_own();
    after_a_deadline_nobody_waits_until_head_moves();
    who_may_not_sleep_loses_as_if_the_policy_were_to_discard();
    the_policy_can_be_changed_while_a_writer_waits(SCOPE_OVERWRITE_OLDEST);
    the_policy_can_be_changed_while_a_writer_waits(SCOPE_DISCARD_NEWEST);
    an_unknown_wish_changes_no_policy();
    no_wake_is_lost();
    a_reader_is_exact_while_the_policy_changes();
    losses_are_told_of_once();
    return CHECK_RESULT();
}
