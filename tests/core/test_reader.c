/* The collector's side of a lane: exact about what it gives and what it misses, and safe whatever the bytes are. */
#include "reader.h"

#include <pthread.h>

#include "check.h"
#include "segments.h"

typedef struct {
    scope_segment segment;
    scope_ring ring;
    reading read;
    uint64_t written;
} lane;

/* In place: the ring points to the segment beside it. */
static void begin_lane(lane *it, enum scope_policy policy)
{
    scope_segment_sizes sizes = sizes_with(policy);
    *it = (lane){.segment = new_segment(&sizes)};
    it->read = new_reading(&it->segment);
    CHECK(scope_lane_claim(&it->segment, &it->ring, 7, "writer", 6) == 0, "no lane");
}

static void end_lane(lane *gone)
{
    end_reading(&gone->read);
    scope_segment_close(&gone->segment);
}

/* Writes until the lane is about to enter its next block. */
static void fill_block(lane *to)
{
    uint64_t block = to->ring.tail / BLOCK;
    while ((to->ring.tail + 32) / BLOCK == block)
        write_event(&to->ring, SCOPE_MARK, 1, 4, ++to->written);
}

static uint64_t *word_at(lane *of, uint64_t position)
{
    return (uint64_t *)((uint8_t *)of->ring.data + (position & of->ring.mask));
}

static uint64_t lapped(const lane *of)
{
    return of->read.lost[SCOPE_LOST_LAPPED];
}

/* ---- what it gives and misses ---- */

static void an_idle_lane_gives_nothing(void)
{
    lane it;
    begin_lane(&it, SCOPE_OVERWRITE_OLDEST);
    CHECK(read_lane(&it.read, &it.segment, 0) == 0 && it.read.lanes_met == 1, "the first pass");
    CHECK(read_lane(&it.read, &it.segment, 0) == 0 && it.read.lanes_met == 1, "the second");
    CHECK(read_lane(&it.read, &it.segment, 1) == 0, "a lane that nobody has");
    end_lane(&it);
}

static void a_lapped_reader_resumes_at_a_block_and_counts_what_it_missed(void)
{
    for (uint64_t blocks = 0; blocks < 12; blocks++) {
        lane it;
        begin_lane(&it, SCOPE_OVERWRITE_OLDEST);
        for (uint64_t block = 0; block < blocks; block++)
            fill_block(&it), write_event(&it.ring, SCOPE_MARK, 1, 4, ++it.written);
        read_lane(&it.read, &it.segment, 0);
        CHECK(it.read.count + lapped(&it) == it.written, "%llu blocks: %zu + %llu of %llu", (unsigned long long)blocks,
              it.read.count, (unsigned long long)lapped(&it), (unsigned long long)it.written);
        CHECK((lapped(&it) > 0) == (blocks >= 4), "%llu blocks: %llu lost", (unsigned long long)blocks,
              (unsigned long long)lapped(&it));
        CHECK(it.read.readers[0].quarantined == 0, "quarantined");
        end_lane(&it);
    }
}

/* The block that a writer is about to fill is not to be trusted, though nothing is committed in it. */
static void the_block_that_was_announced_is_not_read(void)
{
    lane it;
    begin_lane(&it, SCOPE_OVERWRITE_OLDEST);
    for (int block = 0; block < 4; block++)
        fill_block(&it), write_event(&it.ring, SCOPE_MARK, 1, 4, ++it.written);
    atomic_store(&it.segment.lanes[0].intent, 7 * BLOCK); /* two blocks further than it is */
    read_lane(&it.read, &it.segment, 0);
    CHECK(it.read.values[0] > 1000 && it.read.count + lapped(&it) == it.written, "from %llu on, %llu lost",
          (unsigned long long)it.read.values[0], (unsigned long long)lapped(&it));
    end_lane(&it);
}

typedef struct {
    lane *of;
    _Atomic bool done;
    uint64_t count;
} writing;

static void *write_many(void *argument)
{
    writing *self = argument;
    uint64_t state = 9;
    for (uint64_t value = 1; value <= self->count; value++)
        if (write_event(&self->of->ring, SCOPE_MARK, 1, 4 + random_number(&state) % 16, value))
            self->of->written++;
    atomic_store(&self->done, true);
    return NULL;
}

/* A writer at full speed against a reader: nothing torn, nothing twice, and the sums agree. */
static void a_reader_beside_a_writer_is_exact(enum scope_policy policy)
{
    lane it;
    begin_lane(&it, policy);
    writing work = {.of = &it, .count = 400000};
    pthread_t thread;
    pthread_create(&thread, NULL, write_many, &work);
    bool done;
    do {
        done = atomic_load(&work.done);
        read_lane(&it.read, &it.segment, 0);
        atomic_store_explicit(&it.segment.lanes[0].head, it.read.readers[0].head, memory_order_release);
    } while (!done);
    pthread_join(thread, NULL);
    CHECK(it.read.torn == 0, "%llu torn", (unsigned long long)it.read.torn);
    CHECK(it.read.count + lapped(&it) == it.written, "%zu + %llu of %llu", it.read.count, (unsigned long long)lapped(&it),
          (unsigned long long)it.written);
    CHECK(it.read.lost[SCOPE_LOST_FULL] + it.ring.gaps[SCOPE_GAP_FULL].events == work.count - it.written, "GAPs");
    for (size_t index = 1; index < it.read.count; index++)
        CHECK(it.read.values[index] > it.read.values[index - 1], "order");
    CHECK(it.read.readers[0].quarantined == 0, "quarantined");
    end_lane(&it);
}

/* ---- damage ---- */

/* Writes three blocks of events and the beginning of a fourth. */
static void begin_written_lane(lane *it)
{
    begin_lane(it, SCOPE_OVERWRITE_OLDEST);
    for (int block = 0; block < 3; block++)
        fill_block(it), write_event(&it->ring, SCOPE_MARK, 1, 4, ++it->written);
}

static void a_damaged_record_costs_the_rest_of_its_block_and_no_more(void)
{
    const uint64_t wrong[] = {
        0,
        UINT64_MAX,
        scope_header(SCOPE_MARK, 4, 8, 1), /* another position's stamp */
        scope_header(SCOPE_MARK, 0, BLOCK + 176, 1), /* no length */
        scope_header(SCOPE_MARK, 3, BLOCK + 176, 1), /* an event without its prefix */
        scope_header(SCOPE_MARK, 0xFFFF, BLOCK + 176, 1), /* beyond its block */
        scope_header(SCOPE_BLOCK, 2, BLOCK + 176, 1), /* within a block */
        scope_header(SCOPE_LANE, 2, BLOCK + 176, 1), /* too short */
        scope_header(SCOPE_LANE, 3, BLOCK + 176, 1),
        scope_header(SCOPE_GAP, 3, BLOCK + 176, 1),
        scope_header(0, 4, BLOCK + 176, 1), /* no type */
    };
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        lane it;
        begin_written_lane(&it);
        *word_at(&it, BLOCK + 176) = wrong[index]; /* the sixth event of the second block */
        read_lane(&it.read, &it.segment, 0);
        CHECK(it.read.readers[0].quarantined == 1, "case %zu: %llu quarantined", index,
              (unsigned long long)it.read.readers[0].quarantined);
        CHECK(it.read.count + lapped(&it) == it.written && lapped(&it) > 400, "case %zu: %zu + %llu of %llu", index,
              it.read.count, (unsigned long long)lapped(&it), (unsigned long long)it.written);
        CHECK(it.read.values[it.read.count - 1] == it.written, "case %zu: what follows is gone", index);
        end_lane(&it);
    }
}

static void a_block_that_does_not_begin_as_one_is_given_up(void)
{
    lane it;
    begin_written_lane(&it);
    *word_at(&it, BLOCK) = scope_header(SCOPE_MARK, 4, BLOCK, 1);
    read_lane(&it.read, &it.segment, 0);
    CHECK(it.read.readers[0].quarantined == 1 && it.read.count + lapped(&it) == it.written, "%zu + %llu", it.read.count,
          (unsigned long long)lapped(&it));
    end_lane(&it);
}

static void damage_at_the_end_is_counted_when_the_next_block_tells(void)
{
    lane it;
    begin_written_lane(&it);
    for (int count = 0; count < 5; count++)
        write_event(&it.ring, SCOPE_MARK, 1, 4, ++it.written);
    *word_at(&it, it.ring.tail - 64) = 0;
    read_lane(&it.read, &it.segment, 0);
    CHECK(it.read.count == it.written - 2 && lapped(&it) == 0, "%zu of %llu", it.read.count, (unsigned long long)it.written);
    fill_block(&it), write_event(&it.ring, SCOPE_MARK, 1, 4, ++it.written);
    read_lane(&it.read, &it.segment, 0);
    CHECK(it.read.count + lapped(&it) == it.written && lapped(&it) == 2, "%llu lost", (unsigned long long)lapped(&it));
    end_lane(&it);
}

static void a_sequence_that_goes_back_is_not_believed(void)
{
    lane it;
    begin_written_lane(&it);
    *word_at(&it, BLOCK + 8) = 1;
    read_lane(&it.read, &it.segment, 0);
    CHECK(it.read.count == it.written && lapped(&it) == 0, "%llu lost", (unsigned long long)lapped(&it));
    CHECK(it.read.readers[0].sequence == it.written, "%llu", (unsigned long long)it.read.readers[0].sequence);
    end_lane(&it);
}

static void an_announcement_that_cannot_be_is_not_believed(void)
{
    lane it;
    begin_written_lane(&it);
    const uint64_t sane = scope_load_relaxed(&it.segment.lanes[0].intent);
    const uint64_t wrong[] = {0, sane - BLOCK, sane - 8, sane + 8, UINT64_MAX};
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        scope_store_relaxed(&it.segment.lanes[0].intent, wrong[index]);
        CHECK(read_lane(&it.read, &it.segment, 0) == 0 && it.read.readers[0].quarantined == index + 1, "intent %llu",
              (unsigned long long)wrong[index]);
    }
    scope_store_relaxed(&it.segment.lanes[0].intent, sane);
    read_lane(&it.read, &it.segment, 0);
    CHECK(it.read.count == it.written && lapped(&it) == 0, "%zu of %llu", it.read.count, (unsigned long long)it.written);
    end_lane(&it);
}

/* A newer writer may have other notes. */
static void a_note_of_an_unknown_type_is_passed_over(void)
{
    lane it;
    begin_written_lane(&it);
    *word_at(&it, BLOCK + 48) = scope_header(0x0F, 1, BLOCK + 48, 0); /* in place of the second block's first event */
    *word_at(&it, BLOCK + 56) = scope_header(0x05, 3, BLOCK + 56, 0);
    read_lane(&it.read, &it.segment, 0);
    CHECK(it.read.count == it.written - 1 && it.read.readers[0].quarantined == 0, "quarantined");
    end_lane(&it);
}

static void a_fill_ends_its_block_whatever_its_length(void)
{
    lane it;
    begin_written_lane(&it);
    uint64_t left = it.written;
    *word_at(&it, BLOCK + 16) = scope_header(SCOPE_FILL, 1, BLOCK + 16, 0);
    read_lane(&it.read, &it.segment, 0);
    CHECK(it.read.readers[0].quarantined == 0 && it.read.count + lapped(&it) == left && lapped(&it) > 400, "%zu + %llu",
          it.read.count, (unsigned long long)lapped(&it));
    end_lane(&it);
}

static void a_large_lane_is_read_in_pieces(void)
{
    scope_segment_sizes sizes = SMALL;
    sizes.first_lane_bytes = 64 * BLOCK;
    lane it = {.segment = new_segment(&sizes)};
    it.read = new_reading(&it.segment);
    scope_lane_claim(&it.segment, &it.ring, 7, "writer", 6);
    while (it.ring.tail < 50 * BLOCK)
        write_event(&it.ring, SCOPE_MARK, 1, 4 + it.written % 7, it.written + 1), it.written++;
    int passes = 0;
    for (uint64_t before = 0; it.read.readers[0].head < it.ring.tail; passes++, before = it.read.count) {
        read_lane(&it.read, &it.segment, 0);
        CHECK(it.read.count - before <= 16 * BLOCK / 32, "%zu at a time", it.read.count - (size_t)before);
    }
    CHECK(passes == 4 && it.read.count == it.written && lapped(&it) == 0, "%d passes, %zu of %llu", passes, it.read.count,
          (unsigned long long)it.written);
    CHECK(it.read.readers[0].quarantined == 0, "quarantined");
    end_lane(&it);
}

static void a_tail_that_cannot_be_is_not_followed(void)
{
    static const uint64_t wrong[] = {1, 7, BLOCK - 1, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63, (UINT64_C(1) << 63) - 8};
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        lane it;
        begin_written_lane(&it);
        read_lane(&it.read, &it.segment, 0);
        uint64_t sane = atomic_load(&it.segment.lanes[0].tail);
        atomic_store(&it.segment.lanes[0].tail, wrong[index]);
        CHECK(read_lane(&it.read, &it.segment, 0) == 0, "tail %llx", (unsigned long long)wrong[index]);
        CHECK(it.read.readers[0].quarantined > 0, "tail %llx is believed", (unsigned long long)wrong[index]);
        atomic_store(&it.segment.lanes[0].tail, 8);
        CHECK(read_lane(&it.read, &it.segment, 0) == 0, "a tail that goes back");
        atomic_store(&it.segment.lanes[0].tail, sane);
        write_event(&it.ring, SCOPE_MARK, 1, 4, ++it.written);
        if (it.read.readers[0].head <= sane)
            CHECK(read_lane(&it.read, &it.segment, 0) == 1, "sane again after %llx", (unsigned long long)wrong[index]);
        end_lane(&it);
    }
}

static void a_tail_far_ahead_is_read_within_the_lane(void)
{
    lane it;
    begin_written_lane(&it);
    atomic_store(&it.segment.lanes[0].tail, UINT64_C(1) << 40);
    read_lane(&it.read, &it.segment, 0);
    CHECK(it.read.count == 0, "%zu events of an earlier lap", it.read.count);
    CHECK(it.read.readers[0].quarantined > 0, "nothing was wrong");
    end_lane(&it);
}

static void an_intent_that_cannot_be_costs_events_only(void)
{
    static const uint64_t wrong[] = {1, 12345, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63, BLOCK + 4};
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        lane it;
        begin_written_lane(&it);
        atomic_store(&it.segment.lanes[0].intent, wrong[index]);
        read_lane(&it.read, &it.segment, 0);
        CHECK(it.read.count <= it.written && it.read.torn == 0, "intent %llx", (unsigned long long)wrong[index]);
        end_lane(&it);
    }
}

/* ---- any bytes at all ---- */

static uint64_t frames, bad_frames;

static void check_frame(void *self, uint32_t number, uint64_t position, const uint8_t *record, uint64_t words)
{
    const lane *it = self;
    uint64_t header = scope_load64(record);
    uint64_t capacity = scope_lane_bytes(&it->segment.header, number);
    frames++;
    bad_frames += position % 8 != 0 || words == 0 || words != scope_header_words(header)
                  || position / BLOCK != (position + words * 8 - 8) / BLOCK
                  || (scope_header_type(header) >= SCOPE_EVENTS && words < SCOPE_PREFIX_WORDS)
                  || record < it->read.buffer || record + words * 8 > it->read.buffer + capacity;
}

static void ignore_loss(void *self, uint32_t number, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    (void)self, (void)number, (void)time_ns, (void)events, (void)reason;
}

/* Headers that nearly fit find more than random words do. */
static uint64_t hostile_word(uint64_t *state, uint64_t position)
{
    static const uint8_t types[] = {0, 1, 2, 3, 4, 0x10, 0x14, 0x22, 0x31, 0xFF};
    if (random_number(state) % 3 == 0)
        return random_number(state) << 40 ^ random_number(state) << 20 ^ random_number(state);
    uint64_t words = random_number(state) % 2 ? random_number(state) % 6 : random_number(state) % 0x10000;
    return scope_header(types[random_number(state) % sizeof types], words, position, random_number(state));
}

static void any_bytes_give_sound_frames_or_none(void)
{
    uint64_t state = 11;
    for (int round = 0; round < 400; round++) {
        lane it;
        begin_written_lane(&it);
        scope_sink sink = {&it, check_frame, ignore_loss};
        scope_lane_control *control = &it.segment.lanes[0];
        for (int turn = 0; turn < 4; turn++) {
            for (uint64_t count = 1 + random_number(&state) % 40; count > 0; count--) {
                uint64_t position = random_number(&state) % SMALL.first_lane_bytes & ~UINT64_C(7);
                *word_at(&it, position) = hostile_word(&state, position);
            }
            if (random_number(&state) % 2)
                atomic_store(&control->tail, atomic_load(&control->tail) + random_number(&state) % (2 * BLOCK) * (round % 3 ? 8 : 1));
            if (random_number(&state) % 4 == 0)
                atomic_store(&control->intent, random_number(&state) << (random_number(&state) % 33));
            uint64_t before = frames;
            scope_lane_read(&it.segment, 0, &it.read.readers[0], it.read.buffer, &sink);
            CHECK(frames - before <= SMALL.first_lane_bytes / 8, "%llu records in one pass", (unsigned long long)(frames - before));
        }
        end_lane(&it);
    }
    CHECK(frames > 100000 && bad_frames == 0, "%llu of %llu frames are bad", (unsigned long long)bad_frames,
          (unsigned long long)frames);
}

int main(void)
{
    an_idle_lane_gives_nothing();
    a_lapped_reader_resumes_at_a_block_and_counts_what_it_missed();
    the_block_that_was_announced_is_not_read();
    a_reader_beside_a_writer_is_exact(SCOPE_OVERWRITE_OLDEST);
    a_reader_beside_a_writer_is_exact(SCOPE_DISCARD_NEWEST);
    a_damaged_record_costs_the_rest_of_its_block_and_no_more();
    a_block_that_does_not_begin_as_one_is_given_up();
    damage_at_the_end_is_counted_when_the_next_block_tells();
    a_sequence_that_goes_back_is_not_believed();
    an_announcement_that_cannot_be_is_not_believed();
    a_note_of_an_unknown_type_is_passed_over();
    a_fill_ends_its_block_whatever_its_length();
    a_large_lane_is_read_in_pieces();
    a_tail_that_cannot_be_is_not_followed();
    a_tail_far_ahead_is_read_within_the_lane();
    an_intent_that_cannot_be_costs_events_only();
    any_bytes_give_sound_frames_or_none();
    return CHECK_RESULT();
}
