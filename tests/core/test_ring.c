/* The writer's side of a lane, under both policies, against a reader and against its own invariants. */
#include "ring.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "check.h"
#include "segments.h"

static scope_ring claimed(scope_segment *segment)
{
    scope_ring ring;
    CHECK(scope_lane_claim(segment, &ring, 7, "writer", 6) == 0, "no lane");
    return ring;
}

/* Whether values are consecutive but for as many gaps as were counted. */
static void check_order(const reading *read, const char *what)
{
    for (size_t index = 1; index < read->count; index++)
        CHECK(read->values[index] > read->values[index - 1], "%s: %llu after %llu", what,
              (unsigned long long)read->values[index], (unsigned long long)read->values[index - 1]);
    CHECK(read->torn == 0, "%s: %llu torn words", what, (unsigned long long)read->torn);
}

/* The lane's memory. */
static const uint8_t *bytes_of(const scope_ring *ring)
{
    return (const uint8_t *)ring->data;
}

static void a_lane_begins_with_a_block_and_whose_it_is(void)
{
    scope_segment segment = new_segment(&SMALL);
    scope_ring ring = claimed(&segment);
    uint64_t first = scope_load64(bytes_of(&ring)), second = scope_load64(bytes_of(&ring) + 16);
    CHECK(scope_header_type(first) == SCOPE_BLOCK && scope_load64(bytes_of(&ring) + 8) == 0, "%llx", (unsigned long long)first);
    CHECK(scope_header_type(second) == SCOPE_LANE && scope_header_stamp(second) == 2, "%llx", (unsigned long long)second);
    CHECK(ring.tail == 16 + 8 * 4, "tail %llu", (unsigned long long)ring.tail);
    CHECK(scope_load64(bytes_of(&ring) + 32) == (UINT64_C(1) << 32 | 7), "owner and generation");
    CHECK(memcmp(bytes_of(&ring) + 40, "\6\0writer", 8) == 0, "name");
    scope_segment_close(&segment);
}

/* Random sizes, read now and then: nothing is lost while the reader keeps up, whatever the policy. */
static void everything_arrives_in_order_while_the_reader_keeps_up(enum scope_policy policy)
{
    scope_segment_sizes sizes = sizes_with(policy);
    scope_segment segment = new_segment(&sizes);
    scope_ring ring = claimed(&segment);
    reading read = new_reading(&segment);
    uint64_t state = policy + 1, written = 0;
    for (int turn = 0; turn < 3000; turn++) {
        for (uint64_t count = random_number(&state) % 8; count > 0; count--)
            written += write_event(&ring, SCOPE_MARK, 1, 4 + random_number(&state) % 200, written + 1);
        read_lane(&read, &segment, 0);
        atomic_store(&segment.lanes[0].head, read.readers[0].head);
    }
    CHECK(read.count == written && read.values[written - 1] == written, "%zu of %llu", read.count, (unsigned long long)written);
    CHECK(ring.tail > 20 * SMALL.first_lane_bytes, "too few laps");
    CHECK(read.readers[0].sequence == written && read.readers[0].quarantined == 0, "sequence");
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++)
        CHECK(read.lost[reason] == 0, "reason %d", reason);
    check_order(&read, "keeping up");
    end_reading(&read);
    scope_segment_close(&segment);
}

static void no_record_crosses_a_block(void)
{
    scope_segment segment = new_segment(&SMALL);
    scope_ring ring = claimed(&segment);
    uint64_t state = 5;
    for (int turn = 0; turn < 2000; turn++) {
        uint64_t words = 4 + random_number(&state) % 700, before = ring.tail;
        CHECK(write_event(&ring, SCOPE_MARK, 1, words, 1), "no room");
        uint64_t start = ring.tail - words * 8;
        CHECK(start / BLOCK == (ring.tail - 8) / BLOCK, "from %llu to %llu", (unsigned long long)start,
              (unsigned long long)ring.tail);
        if (start == before)
            continue;
        uint64_t block = start / BLOCK * BLOCK;
        uint64_t introduction = scope_load64(bytes_of(&ring) + ((block + 16) & ring.mask));
        CHECK(scope_header_type(introduction) == SCOPE_LANE && start == block + 16 + scope_header_words(introduction) * 8,
              "an event at %llu of its block", (unsigned long long)(start - block));
        uint64_t fill = scope_load64(bytes_of(&ring) + (before & ring.mask));
        CHECK(before == block || (scope_header_type(fill) == SCOPE_FILL && scope_header_words(fill) * 8 == block - before),
              "no padding up to the block");
    }
    scope_segment_close(&segment);
}

static void overwriting_keeps_the_newest_and_counts_the_rest(void)
{
    scope_segment segment = new_segment(&SMALL);
    scope_ring ring = claimed(&segment);
    reading read = new_reading(&segment);
    uint64_t state = 3, written = 0;
    for (int turn = 0; turn < 40; turn++) {
        for (uint64_t count = random_number(&state) % 3000; count > 0; count--)
            CHECK(write_event(&ring, SCOPE_MARK, 1, 4 + random_number(&state) % 20, ++written), "refused");
        read_lane(&read, &segment, 0);
        CHECK(read.values[read.count - 1] == written, "the newest is %llu", (unsigned long long)read.values[read.count - 1]);
    }
    CHECK(read.count + read.lost[SCOPE_LOST_LAPPED] == written, "%zu read, %llu lost of %llu", read.count,
          (unsigned long long)read.lost[SCOPE_LOST_LAPPED], (unsigned long long)written);
    CHECK(read.lost[SCOPE_LOST_LAPPED] > 0, "nothing was lost");
    check_order(&read, "overwriting");
    end_reading(&read);
    scope_segment_close(&segment);
}

static void discarding_keeps_the_oldest_and_tells_of_the_rest(void)
{
    scope_segment_sizes sizes = sizes_with(SCOPE_DISCARD_NEWEST);
    scope_segment segment = new_segment(&sizes);
    scope_ring ring = claimed(&segment);
    reading read = new_reading(&segment);
    scope_lane_control *control = &segment.lanes[0];
    uint64_t state = 4, tried = 0, written = 0;
    for (int turn = 0; turn < 40; turn++) {
        for (uint64_t count = random_number(&state) % 6000; count > 0; count--, tried++)
            written += write_event(&ring, SCOPE_MARK, 1, 4 + random_number(&state) % 20, tried + 1);
        read_lane(&read, &segment, 0);
        atomic_store(&control->head, read.readers[0].head);
    }
    CHECK(read.count == written, "%zu of %llu", read.count, (unsigned long long)written);
    CHECK(atomic_load(&control->lost[SCOPE_LOST_FULL]) == tried - written && tried > written, "the writer's count");
    CHECK(read.lost[SCOPE_LOST_FULL] + ring.gaps[SCOPE_GAP_FULL].events == tried - written, "what GAPs tell");
    CHECK(read.lost[SCOPE_LOST_LAPPED] == 0, "something was overwritten");
    check_order(&read, "discarding");
    end_reading(&read);
    scope_segment_close(&segment);
}

/* Whatever is written, what the collector has not stored yet does not change. */
static void discarding_never_touches_what_is_not_stored(void)
{
    scope_segment_sizes sizes = sizes_with(SCOPE_DISCARD_NEWEST);
    scope_segment segment = new_segment(&sizes);
    scope_ring ring = claimed(&segment);
    uint8_t *before = malloc(SMALL.first_lane_bytes);
    uint64_t state = 6, head = 0;
    for (int turn = 0; turn < 300; turn++) {
        uint64_t from = head, to = ring.tail;
        memcpy(before, bytes_of(&ring), SMALL.first_lane_bytes);
        for (int count = 0; count < 50; count++)
            write_event(&ring, SCOPE_MARK, 1, 4 + random_number(&state) % 300, 1);
        for (uint64_t at = from; at < to; at += 8)
            CHECK(scope_load64(before + (at & ring.mask)) == scope_load64(bytes_of(&ring) + (at & ring.mask)), "position %llu",
                  (unsigned long long)at);
        CHECK(ring.tail - head <= SMALL.first_lane_bytes, "more than fits");
        head += (ring.tail - head) * (random_number(&state) % 3) / 2 & ~UINT64_C(7);
        atomic_store(&segment.lanes[0].head, head);
    }
    free(before);
    scope_segment_close(&segment);
}

static void a_full_lane_goes_on_when_there_is_room(void)
{
    scope_segment_sizes sizes = sizes_with(SCOPE_DISCARD_NEWEST);
    scope_segment segment = new_segment(&sizes);
    scope_ring ring = claimed(&segment);
    uint64_t written = 0;
    while (write_event(&ring, SCOPE_MARK, 1, 100, ++written))
        ;
    CHECK(!write_event(&ring, SCOPE_MARK, 1, 4, 1), "the smallest fits where a larger did not: order is lost");
    CHECK(ring.gaps[SCOPE_GAP_FULL].events == 2, "%llu", (unsigned long long)ring.gaps[SCOPE_GAP_FULL].events);
    atomic_store(&segment.lanes[0].head, BLOCK - 8);
    CHECK(!write_event(&ring, SCOPE_MARK, 1, 4, 1), "a block that is not left whole was entered");
    atomic_store(&segment.lanes[0].head, BLOCK);
    CHECK(write_event(&ring, SCOPE_MARK, 1, 4, 1), "still full");
    uint64_t gap = scope_load64(bytes_of(&ring) + ((ring.tail - 72) & ring.mask));
    CHECK(scope_header_type(gap) == SCOPE_GAP, "%llx", (unsigned long long)gap);
    CHECK(scope_load64(bytes_of(&ring) + ((ring.tail - 56) & ring.mask)) == 3, "the count");
    CHECK(scope_load64(bytes_of(&ring) + ((ring.tail - 40) & ring.mask)) == 3, "the lane's counter");
    CHECK(ring.gaps[SCOPE_GAP_FULL].events == 0, "told of, but not forgotten");
    scope_segment_close(&segment);
}

static void what_fits_no_block_is_refused_and_counted(void)
{
    scope_segment segment = new_segment(&SMALL);
    scope_ring ring = claimed(&segment);
    uint64_t most = BLOCK / 8 - SCOPE_BLOCK_OVERHEAD_WORDS;
    CHECK(write_event(&ring, SCOPE_MARK, 1, most, 1), "the largest");
    CHECK(!scope_ring_reserve(&ring, most + 1), "one too many");
    CHECK(!scope_ring_reserve(&ring, 60000), "far too many");
    CHECK(atomic_load(&segment.lanes[0].lost[SCOPE_LOST_TOO_BIG]) == 2, "the count");
    CHECK(write_event(&ring, SCOPE_MARK, 1, 4, 1), "the ring is stuck");
    scope_segment_close(&segment);
}

static void a_write_within_a_write_is_refused_and_counted(void)
{
    scope_segment segment = new_segment(&SMALL);
    scope_ring ring = claimed(&segment);
    scope_word *outer = scope_ring_reserve(&ring, 4);
    CHECK(outer && !scope_ring_reserve(&ring, 4) && !scope_ring_reserve(&ring, 4), "re-entered");
    CHECK(atomic_load(&segment.lanes[0].lost[SCOPE_LOST_REENTRANT]) == 2, "the count");
    outer[0] = scope_header(SCOPE_MARK, 4, ring.tail, 1);
    outer[1] = outer[3] = 1;
    outer[2] = 1;
    scope_ring_commit(&ring, 4);
    CHECK(write_event(&ring, SCOPE_MARK, 1, 4, 2), "the ring is stuck");
    scope_segment_close(&segment);
}

static void what_is_not_committed_is_not_there(void)
{
    scope_segment segment = new_segment(&SMALL);
    scope_ring ring = claimed(&segment);
    reading read = new_reading(&segment);
    write_event(&ring, SCOPE_MARK, 1, 4, 1);
    scope_word *pending = scope_ring_reserve(&ring, 4);
    pending[0] = scope_header(SCOPE_MARK, 4, ring.tail, 1);
    CHECK(read_lane(&read, &segment, 0) == 1 && read.count == 1, "%zu", read.count);
    pending[1] = 2;
    pending[2] = 1;
    scope_ring_commit(&ring, 4);
    CHECK(read_lane(&read, &segment, 0) == 1 && read.values[1] == 2, "%zu", read.count);
    end_reading(&read);
    scope_segment_close(&segment);
}

/* ---- memory ---- */

static scope_segment_sizes large_lane(void)
{
    scope_segment_sizes sizes = SMALL;
    sizes.lanes = 1;
    sizes.first_lane_bytes = 4 * SCOPE_BACKING_BYTES;
    return sizes;
}

static uint64_t allocated(const scope_segment *segment)
{
    struct stat file;
    return fstat(segment->fd, &file) == 0 ? (uint64_t)file.st_blocks * 512 : 0;
}

static void a_lane_gets_its_memory_as_its_first_lap_comes_to_it(void)
{
    scope_segment_sizes sizes = large_lane();
    scope_segment segment = new_segment(&sizes);
    scope_ring ring = claimed(&segment);
    uint64_t before = allocated(&segment);
    for (uint64_t lap = 0; lap < 2; lap++)
        for (uint64_t step = 1; step <= 4; step++) {
            while (ring.tail < lap * sizes.first_lane_bytes + step * SCOPE_BACKING_BYTES - 80)
                write_event(&ring, SCOPE_MARK, 1, 4, 1);
            uint64_t grown = (lap ? 3 : step - 1) * SCOPE_BACKING_BYTES;
            CHECK(allocated(&segment) == before + grown, "lap %llu, step %llu: %llu more", (unsigned long long)lap,
                  (unsigned long long)step, (unsigned long long)(allocated(&segment) - before));
        }
    scope_lane_retire(&ring);
    ring = claimed(&segment);
    CHECK(ring.backed == sizes.first_lane_bytes, "the next owner knows of %llu", (unsigned long long)ring.backed);
    scope_segment_close(&segment);
}

/* A file that takes the rest of the disk. */
static int fill_disk(void)
{
    static const char zeroes[SCOPE_PAGE];
    int file = open(test_path("rest"), O_WRONLY | O_CREAT, 0600);
    while (write(file, zeroes, sizeof zeroes) > 0)
        ;
    return file;
}

static int write_beyond_the_disk(void)
{
    scope_segment_sizes sizes = large_lane();
    scope_segment segment = new_segment(&sizes);
    scope_ring ring = claimed(&segment);
    reading read = new_reading(&segment);
    close(fill_disk());
    uint64_t tried = 0, refused = 0;
    while (refused < 1000)
        refused += !write_event(&ring, SCOPE_MARK, 1, 4, ++tried);
    CHECK(ring.tail <= SCOPE_BACKING_BYTES, "written up to %llu", (unsigned long long)ring.tail);
    unlink(test_path("rest"));
    while (ring.tail < 4 * SCOPE_BACKING_BYTES)
        refused += !write_event(&ring, SCOPE_MARK, 1, 4, ++tried);
    CHECK(refused > 1000 && refused < 2000, "%llu refused", (unsigned long long)refused);
    CHECK(segment.lanes[0].lost[SCOPE_LOST_NO_SPACE] == refused, "%llu counted",
          (unsigned long long)segment.lanes[0].lost[SCOPE_LOST_NO_SPACE]);
    while (read_lane(&read, &segment, 0))
        ;
    CHECK(read.count + refused + read.lost[SCOPE_LOST_LAPPED] == tried && read.torn == 0, "%zu read", read.count);
    end_reading(&read);
    scope_segment_close(&segment);
    return CHECK_RESULT();
}

static void a_lane_that_gets_no_memory_counts_what_it_loses_and_goes_on_when_there_is_some(void)
{
    CHECK(with_small_disk(1024, write_beyond_the_disk) == 0, "see above");
}

int main(void)
{
    a_lane_begins_with_a_block_and_whose_it_is();
    everything_arrives_in_order_while_the_reader_keeps_up(SCOPE_OVERWRITE_OLDEST);
    everything_arrives_in_order_while_the_reader_keeps_up(SCOPE_DISCARD_NEWEST);
    no_record_crosses_a_block();
    overwriting_keeps_the_newest_and_counts_the_rest();
    discarding_keeps_the_oldest_and_tells_of_the_rest();
    discarding_never_touches_what_is_not_stored();
    a_full_lane_goes_on_when_there_is_room();
    what_fits_no_block_is_refused_and_counted();
    a_write_within_a_write_is_refused_and_counted();
    what_is_not_committed_is_not_there();
    a_lane_gets_its_memory_as_its_first_lap_comes_to_it();
    a_lane_that_gets_no_memory_counts_what_it_loses_and_goes_on_when_there_is_some();
    return CHECK_RESULT();
}
