/* Who owns a lane: claimed, retired and taken over by threads that come and go. */
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "check.h"
#include "segments.h"

static uint64_t ownership(const scope_segment *segment, uint32_t lane)
{
    return atomic_load(&segment->lanes[lane].ownership);
}

static uint64_t owned_by(uint32_t thread, uint32_t generation)
{
    return SCOPE_LANE_OWNED | (uint64_t)generation << 8 | (uint64_t)thread << 32;
}

static void lanes_are_given_out_in_order_until_there_are_none(void)
{
    scope_segment segment = new_segment(&SMALL);
    scope_ring rings[4];
    for (uint32_t lane = 0; lane < 3; lane++) {
        CHECK(scope_lane_claim(&segment, &rings[lane], 100 + lane, "t", 1) == 0 && rings[lane].lane == lane, "lane %u", lane);
        CHECK(ownership(&segment, lane) == owned_by(100 + lane, 1), "%llx", (unsigned long long)ownership(&segment, lane));
        CHECK(rings[lane].mask + 1 == scope_lane_bytes(&segment.header, lane), "capacity");
    }
    CHECK(scope_lane_claim(&segment, &rings[3], 200, "t", 1) == -1, "a fourth of three");
    scope_lane_retire(&rings[1]);
    CHECK(scope_lane_state(ownership(&segment, 1)) == SCOPE_LANE_RETIRED, "not retired");
    CHECK(scope_lane_claim(&segment, &rings[3], 200, "t", 1) == 0 && rings[3].lane == 1, "the retired one");
    CHECK(ownership(&segment, 1) == owned_by(200, 2), "%llx", (unsigned long long)ownership(&segment, 1));
    scope_segment_close(&segment);
}

static void a_retired_lane_is_preferred_to_a_fresh_one(void)
{
    scope_segment segment = new_segment(&SMALL);
    scope_ring first, second;
    scope_lane_claim(&segment, &first, 1, "", 0);
    scope_lane_retire(&first);
    CHECK(scope_lane_claim(&segment, &second, 2, "", 0) == 0 && second.lane == 0, "lane %u", second.lane);
    CHECK(second.tail > 0 && scope_lane_state(ownership(&segment, 1)) == SCOPE_LANE_FREE, "a second lane was begun");
    scope_segment_close(&segment);
}

static void the_next_owner_goes_on_where_the_last_one_stopped(enum scope_policy policy)
{
    scope_segment_sizes sizes = sizes_with(policy);
    scope_segment segment = new_segment(&sizes);
    reading read = new_reading(&segment);
    uint64_t written = 0, state = 2;
    for (uint32_t owner = 1; owner <= 300; owner++) {
        scope_ring ring;
        CHECK(scope_lane_claim(&segment, &ring, owner, "churn", 5) == 0 && ring.lane == 0, "owner %u", owner);
        for (uint64_t count = random_number(&state) % 40; count > 0; count--)
            CHECK(write_event(&ring, SCOPE_MARK, 1, 4 + random_number(&state) % 30, ++written), "owner %u", owner);
        scope_lane_retire(&ring);
        read_lane(&read, &segment, 0);
        atomic_store(&segment.lanes[0].head, read.readers[0].head);
    }
    CHECK(read.count == written && read.torn == 0, "%zu of %llu", read.count, (unsigned long long)written);
    CHECK(read.lanes_met == 300, "%llu introduced", (unsigned long long)read.lanes_met);
    CHECK(read.readers[0].sequence == written && atomic_load(&segment.lanes[0].sequence) == written, "sequence");
    CHECK((ownership(&segment, 0) >> 8 & 0xFFFFFF) == 300, "generation");
    end_reading(&read);
    scope_segment_close(&segment);
}

static void a_lane_retired_at_the_end_of_a_block_is_taken_over(void)
{
    for (uint64_t words = 4; words < 40; words++) {
        scope_segment segment = new_segment(&SMALL);
        reading read = new_reading(&segment);
        scope_ring ring;
        scope_lane_claim(&segment, &ring, 1, "", 0);
        uint64_t written = 0, left;
        while ((left = ring.limit - ring.tail) > 0)
            write_event(&ring, SCOPE_MARK, 1, left / 8 >= 2 * words ? words : left / 8 >= 4 ? left / 8 : 4, ++written);
        CHECK(ring.tail % BLOCK == 0, "tail %llu", (unsigned long long)ring.tail);
        scope_lane_retire(&ring);
        CHECK(scope_lane_claim(&segment, &ring, 2, "", 0) == 0, "claim");
        write_event(&ring, SCOPE_MARK, 1, words, ++written);
        read_lane(&read, &segment, 0);
        CHECK(read.count == written && read.lanes_met == 2 && read.readers[0].quarantined == 0, "%zu of %llu", read.count,
              (unsigned long long)written);
        end_reading(&read);
        scope_segment_close(&segment);
        if (words == 39)
            break;
    }
}

/* The first LANE record of an owner may be overwritten without any event: then the next block tells of the owner. */
static void a_block_tells_whose_events_follow(void)
{
    scope_segment segment = new_segment(&SMALL);
    reading read = new_reading(&segment);
    scope_ring ring;
    uint64_t written = 0;
    scope_lane_claim(&segment, &ring, 1, "", 0);
    while (ring.tail < BLOCK - 256)
        write_event(&ring, SCOPE_MARK, 1, 4, ++written);
    scope_lane_retire(&ring);
    read_lane(&read, &segment, 0);
    scope_lane_claim(&segment, &ring, 2, "", 0);
    CHECK(ring.tail < BLOCK, "the second owner begins in the first block");
    while (ring.tail < SMALL.first_lane_bytes + 256)
        write_event(&ring, SCOPE_MARK, 1, 100, ++written);
    read_lane(&read, &segment, 0);
    CHECK(read.lost[SCOPE_LOST_LAPPED] == 0 && read.count == written, "%zu of %llu", read.count, (unsigned long long)written);
    CHECK(read.owners[0] == (2 | UINT64_C(2) << 32), "events of thread %llu", (unsigned long long)(uint32_t)read.owners[0]);
    end_reading(&read);
    scope_segment_close(&segment);
}

static void a_full_lane_can_be_taken_over(void)
{
    scope_segment_sizes sizes = sizes_with(SCOPE_DISCARD_NEWEST);
    scope_segment segment = new_segment(&sizes);
    reading read = new_reading(&segment);
    scope_ring ring;
    uint64_t written = 0, tried = 0;
    scope_lane_claim(&segment, &ring, 1, "", 0);
    while (write_event(&ring, SCOPE_MARK, 1, 50, ++tried))
        written++;
    scope_lane_retire(&ring);
    CHECK(scope_lane_claim(&segment, &ring, 2, "late", 4) == 0, "claim");
    while (write_event(&ring, SCOPE_MARK, 1, 50, ++tried))
        written++;
    read_lane(&read, &segment, 0);
    CHECK(read.count == written, "%zu of %llu", read.count, (unsigned long long)written);
    atomic_store(&segment.lanes[0].head, read.readers[0].head);
    CHECK(write_event(&ring, SCOPE_MARK, 1, 50, ++tried), "still full");
    read_lane(&read, &segment, 0);
    CHECK(read.count == written + 1 && read.lanes_met == 2, "%zu events of %llu owners", read.count,
          (unsigned long long)read.lanes_met);
    CHECK(atomic_load(&segment.lanes[0].lost[SCOPE_LOST_FULL]) == tried - read.count, "what found no room, and nothing else");
    end_reading(&read);
    scope_segment_close(&segment);
}

static void keep_name(void *self, uint32_t lane, uint64_t position, const uint8_t *record, uint64_t words)
{
    (void)lane, (void)position;
    if (scope_header_type(scope_load64(record)) == SCOPE_LANE)
        memcpy(self, record + 24, words * 8 - 24);
}

static void ignore_loss(void *self, uint32_t lane, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    (void)self, (void)lane, (void)time_ns, (void)events, (void)reason;
}

static void names_are_kept_up_to_48_bytes(void)
{
    char name[128];
    memset(name, 'n', sizeof name);
    for (size_t length = 0; length < 100; length++) {
        uint8_t kept[64] = {0};
        scope_segment segment = new_segment(&SMALL);
        reading read = new_reading(&segment);
        scope_sink sink = {kept, keep_name, ignore_loss};
        scope_ring ring;
        scope_lane_claim(&segment, &ring, 1, name, length);
        scope_lane_read(&segment, 0, &read.readers[0], read.buffer, &sink);
        size_t wanted = length < 48 ? length : 48;
        CHECK(scope_load16(kept) == wanted && memcmp(kept + 2, name, wanted) == 0 && kept[2 + wanted] == 0, "%zu: %u", length,
              scope_load16(kept));
        end_reading(&read);
        scope_segment_close(&segment);
    }
}

/* Within a disk that holds the first lane and no other. */
static int claim_beyond_the_disk(void)
{
    struct stat file;
    scope_segment segment = new_segment(&SMALL);
    scope_ring ring;
    CHECK(scope_lane_claim(&segment, &ring, 1, "", 0) == 0, "the first lane");
    for (int turn = 0; turn < 3; turn++)
        CHECK(scope_lane_claim(&segment, &ring, 2, "", 0) == -2 && errno == ENOSPC, "turn %d: %s", turn, strerror(errno));
    CHECK(scope_lane_state(ownership(&segment, 1)) == SCOPE_LANE_FREE, "it is not free");
    CHECK(mount("none", segments_directory, NULL, MS_REMOUNT, "size=1m") == 0, "%s", strerror(errno));
    CHECK(scope_lane_claim(&segment, &ring, 2, "", 0) == 0 && ring.lane == 1, "with room");
    CHECK(fstat(segment.fd, &file) == 0 && (uint64_t)file.st_blocks * 512 >= 6 * BLOCK, "no pages stand behind it");
    for (int count = 0; count < 5000; count++)
        write_event(&ring, SCOPE_MARK, 1, 4, 1);
    scope_segment_close(&segment);
    return check_failures;
}

static void a_lane_without_room_on_the_disk_stays_free(void)
{
    CHECK(with_small_disk(5 * SCOPE_PAGE / 1024 + 4 * BLOCK / 1024, claim_beyond_the_disk) == 0, "see above");
}

/* ---- threads ---- */

enum { THREADS = 8, TURNS = 400 };

typedef struct {
    scope_segment *segment;
    uint32_t number;
    uint64_t written, refused, clashes;
    _Atomic uint32_t *users; /* per lane */
} churn;

static void *come_and_go(void *argument)
{
    churn *self = argument;
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        scope_ring ring;
        if (scope_lane_claim(self->segment, &ring, self->number << 16 | turn, "", 0) != 0) {
            self->refused++;
            sched_yield();
            continue;
        }
        self->clashes += atomic_fetch_add(&self->users[ring.lane], 1) != 0;
        for (int event = 0; event < 5; event++)
            self->written += write_event(&ring, SCOPE_MARK, 1, 4 + event, self->number);
        atomic_fetch_sub(&self->users[ring.lane], 1);
        scope_lane_retire(&ring);
    }
    return NULL;
}

static void many_threads_share_few_lanes_one_at_a_time(void)
{
    scope_segment segment = new_segment(&SMALL);
    _Atomic uint32_t users[3] = {0};
    churn work[THREADS];
    pthread_t threads[THREADS];
    reading read = new_reading(&segment);
    for (uint32_t number = 0; number < THREADS; number++) {
        work[number] = (churn){.segment = &segment, .number = number + 1, .users = users};
        pthread_create(&threads[number], NULL, come_and_go, &work[number]);
    }
    uint64_t written = 0, clashes = 0, refused = 0;
    for (uint32_t number = 0; number < THREADS; number++) {
        pthread_join(threads[number], NULL);
        written += work[number].written;
        clashes += work[number].clashes;
        refused += work[number].refused;
    }
    for (uint32_t lane = 0; lane < 3; lane++)
        read_lane(&read, &segment, lane);
    CHECK(clashes == 0, "%llu times two owners", (unsigned long long)clashes);
    CHECK(written == 5 * (THREADS * TURNS - refused), "%llu", (unsigned long long)written);
    CHECK(read.count + read.lost[SCOPE_LOST_LAPPED] == written && read.torn == 0, "%zu + %llu of %llu", read.count,
          (unsigned long long)read.lost[SCOPE_LOST_LAPPED], (unsigned long long)written);
    end_reading(&read);
    scope_segment_close(&segment);
}

int main(void)
{
    lanes_are_given_out_in_order_until_there_are_none();
    a_retired_lane_is_preferred_to_a_fresh_one();
    the_next_owner_goes_on_where_the_last_one_stopped(SCOPE_OVERWRITE_OLDEST);
    the_next_owner_goes_on_where_the_last_one_stopped(SCOPE_DISCARD_NEWEST);
    a_lane_retired_at_the_end_of_a_block_is_taken_over();
    a_block_tells_whose_events_follow();
    a_full_lane_can_be_taken_over();
    names_are_kept_up_to_48_bytes();
    a_lane_without_room_on_the_disk_stays_free();
    many_threads_share_few_lanes_one_at_a_time();
    return CHECK_RESULT();
}
