/* Threads side by side: whatever one may touch while another does is ordered. The checks count; that no access races is
 * what the thread sanitizer sees, to which races/shared.h shows the words that must never be touched by two at a time. */
#include <pthread.h>

#include "check.h"
#include "segments.h"

enum { EVENTS = 4000, THREADS = 4, TURNS = 300, SITES = 200 };

#ifdef SCOPE_RACES_SHARED_H
static void add(scope_words *to, const void *from, uint64_t bytes)
{
    to->ranges[to->count].from = (uintptr_t)from;
    to->ranges[to->count++].to = (uintptr_t)from + bytes;
}

/* What the command line says of the word at `from`: "release tail" takes the release of every tail away. */
static void weaken(char **from, const char *name, const void *word)
{
    if (from[0] && from[1] && strcmp(from[1], name) == 0)
        add(strcmp(from[0], "release") == 0 ? &scope_unreleased : &scope_unacquired, word, sizeof(scope_word));
}

/* Names the words that are one thread's at a time, and those that are to be weaker than they should. */
static void set_apart(const scope_segment *segment, char **weakened)
{
    add(&scope_plain, segment->definitions, segment->header.definitions_bytes);
    if (segment->header.policy == SCOPE_DISCARD_NEWEST)
        add(&scope_plain, segment->base + segment->header.data_offset, segment->header.size - segment->header.data_offset);
    weaken(weakened, "definitions", &segment->control->definitions_tail);
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++) {
        const scope_lane_control *control = &segment->lanes[lane];
        add(&scope_plain, &control->sequence, sizeof(scope_word));
        weaken(weakened, "tail", &control->tail);
        weaken(weakened, "head", &control->head);
        weaken(weakened, "ownership", &control->ownership);
    }
}

static void forget(void)
{
    scope_plain.count = scope_unreleased.count = scope_unacquired.count = 0;
}
#else
static void set_apart(const scope_segment *segment, char **weakened)
{
    (void)segment, (void)weakened;
}

static void forget(void)
{
}
#endif

static char **arguments;

static void end_segment(scope_segment *segment)
{
    forget();
    scope_segment_close(segment);
}

static scope_segment segment_for(enum scope_policy policy)
{
    scope_segment_sizes sizes = sizes_with(policy);
    scope_segment segment = new_segment(&sizes);
    set_apart(&segment, arguments);
    return segment;
}

/* ---- a writer and a reader ---- */

typedef struct {
    scope_segment *segment;
    _Atomic uint32_t *running;
    uint32_t number;
    uint64_t written, tried;
} writer;

static void read_all(reading *to, scope_segment *segment)
{
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++) {
        read_lane(to, segment, lane);
        scope_store_release(&segment->lanes[lane].head, to->readers[lane].head);
    }
}

/* Reads until the writers are through, and once more. */
static void read_beside(reading *to, scope_segment *segment, _Atomic uint32_t *running)
{
    while (atomic_load_explicit(running, memory_order_relaxed))
        read_all(to, segment);
    read_all(to, segment);
}

static void *write_events(void *argument)
{
    writer *self = argument;
    scope_ring ring;
    uint64_t state = self->number;
    CHECK(scope_lane_claim(self->segment, &ring, self->number, "writer", 6) == 0, "no lane");
    for (; self->written < EVENTS; self->tried++) {
        if (write_event(&ring, SCOPE_MARK, 1, 4 + random_number(&state) % 16, self->number))
            self->written++;
        else
            sched_yield(); /* until the reader has made room, so that blocks are used again */
    }
    scope_lane_retire(&ring);
    atomic_fetch_sub_explicit(self->running, 1, memory_order_relaxed);
    return NULL;
}

/* Claims and retires until its turns are over. */
static void *come_and_go(void *argument)
{
    writer *self = argument;
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        scope_ring ring;
        if (scope_lane_claim(self->segment, &ring, self->number, "", 0) != 0) {
            sched_yield();
            continue;
        }
        for (int event = 0; event < 5; event++, self->tried++)
            self->written += write_event(&ring, SCOPE_MARK, 1, 4 + event, self->number);
        scope_lane_retire(&ring);
    }
    atomic_fetch_sub_explicit(self->running, 1, memory_order_relaxed);
    return NULL;
}

static void writers_and_a_reader(enum scope_policy policy, uint32_t count, void *(*write)(void *))
{
    scope_segment segment = segment_for(policy);
    reading read = new_reading(&segment);
    _Atomic uint32_t running = count;
    writer work[THREADS];
    pthread_t threads[THREADS];
    uint64_t written = 0, tried = 0;
    for (uint32_t number = 0; number < count; number++) {
        work[number] = (writer){.segment = &segment, .running = &running, .number = number + 1};
        pthread_create(&threads[number], NULL, write, &work[number]);
    }
    read_beside(&read, &segment, &running);
    for (uint32_t number = 0; number < count; number++) {
        pthread_join(threads[number], NULL);
        written += work[number].written;
        tried += work[number].tried;
    }
    read_all(&read, &segment);
    CHECK(read.torn == 0, "%llu torn", (unsigned long long)read.torn);
    CHECK(read.count + read.lost[SCOPE_LOST_LAPPED] == written, "%zu + %llu of %llu, %llu tried", read.count,
          (unsigned long long)read.lost[SCOPE_LOST_LAPPED], (unsigned long long)written, (unsigned long long)tried);
    CHECK(policy == SCOPE_OVERWRITE_OLDEST || read.lost[SCOPE_LOST_LAPPED] == 0, "lapped");
    end_reading(&read);
    end_segment(&segment);
}

/* ---- definitions ---- */

typedef struct {
    scope_segment *segment;
    _Atomic uint64_t counted; /* by the reader; relaxed, so that it orders nothing */
} defining;

/* Each definition is made when the one before was read. */
static void *define_names(void *argument)
{
    defining *self = argument;
    for (uint32_t index = 0; index < SITES; index++) {
        uint8_t name[] = {1, 0, (uint8_t)('a' + index % 26)};
        CHECK(scope_define(self->segment, SCOPE_DEFINE_NAME, name, sizeof name) == index + 1, "%u", index);
        while (atomic_load_explicit(&self->counted, memory_order_relaxed) <= index)
            sched_yield();
    }
    return NULL;
}

/* Entries up to the tail, each of them whole. */
static uint64_t count_definitions(scope_segment *segment)
{
    uint64_t entries[SCOPE_PAGE / 8], count = 0;
    /* pairs with the release store in scope_define() */
    uint64_t tail = scope_load_acquire(&segment->control->definitions_tail);
    scope_load_bytes((uint8_t *)entries, segment->definitions, tail / 8);
    for (uint64_t at = 0; at < tail; at += 16, count++)
        CHECK(entries[at / 8] == (16 | (uint64_t)SCOPE_DEFINE_NAME << 32) && (uint16_t)entries[at / 8 + 1] == 1,
              "entry %llu is %llx", (unsigned long long)count, (unsigned long long)entries[at / 8]);
    return count;
}

static void a_definition_is_whole_when_it_is_seen(void)
{
    scope_segment segment = segment_for(SCOPE_DISCARD_NEWEST);
    defining work = {.segment = &segment};
    pthread_t thread;
    pthread_create(&thread, NULL, define_names, &work);
    for (uint64_t counted = 0; counted < SITES; sched_yield()) {
        counted = count_definitions(&segment);
        atomic_store_explicit(&work.counted, counted, memory_order_relaxed);
    }
    pthread_join(thread, NULL);
    end_segment(&segment);
}

typedef struct {
    scope_segment *segment;
    _Atomic bool done;
} using;

/* An event whose site id is `site`. */
static void use(scope_ring *ring, uint32_t site)
{
    scope_word *at = scope_ring_reserve(ring, 4);
    scope_store_relaxed(at, scope_header(SCOPE_FUNCTION_ENTER, 4, ring->tail, 1));
    scope_store_relaxed(at + 1, 1);
    scope_store_relaxed(at + 2, 1 | (uint64_t)site << 32);
    scope_store_relaxed(at + 3, 1);
    scope_ring_commit(ring, 4);
}

/* Each definition is used as soon as it is there. */
static void *define_and_use(void *argument)
{
    using *self = argument;
    scope_ring ring;
    CHECK(scope_lane_claim(self->segment, &ring, 1, "", 0) == 0, "no lane");
    for (uint32_t index = 0; index < SITES; index++) {
        use(&ring, scope_define(self->segment, SCOPE_DEFINE_NAME, (const uint8_t *)"\1\0a", 3));
        sched_yield();
    }
    scope_lane_retire(&ring);
    atomic_store_explicit(&self->done, true, memory_order_relaxed);
    return NULL;
}

static void greatest_site(void *self, uint32_t lane, uint64_t position, const uint8_t *record, uint64_t words)
{
    uint64_t *greatest = self;
    (void)lane, (void)position, (void)words;
    if (scope_header_type(scope_load64(record)) == SCOPE_FUNCTION_ENTER)
        *greatest = scope_load64(record + 16) >> 32;
}

static void ignore_loss(void *self, uint32_t lane, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    (void)self, (void)lane, (void)time_ns, (void)events, (void)reason;
}

static void a_definition_is_seen_before_its_use(void)
{
    scope_segment segment = segment_for(SCOPE_DISCARD_NEWEST);
    reading read = new_reading(&segment);
    using work = {.segment = &segment};
    pthread_t thread;
    uint64_t greatest = 0;
    scope_sink sink = {&greatest, greatest_site, ignore_loss};
    pthread_create(&thread, NULL, define_and_use, &work);
    for (bool done = false; !done;) {
        done = atomic_load_explicit(&work.done, memory_order_relaxed);
        scope_lane_read(&segment, 0, &read.readers[0], read.buffer, &sink);
        uint64_t defined = count_definitions(&segment);
        CHECK(greatest <= defined, "%llu is used, %llu are there", (unsigned long long)greatest, (unsigned long long)defined);
    }
    pthread_join(thread, NULL);
    CHECK(greatest == SITES, "%llu", (unsigned long long)greatest);
    end_reading(&read);
    end_segment(&segment);
}

int main(int count, char **given)
{
    (void)count;
    arguments = given + 1;
    writers_and_a_reader(SCOPE_OVERWRITE_OLDEST, 1, write_events);
    writers_and_a_reader(SCOPE_DISCARD_NEWEST, 1, write_events);
    writers_and_a_reader(SCOPE_DISCARD_NEWEST, 3, write_events);
    writers_and_a_reader(SCOPE_OVERWRITE_OLDEST, THREADS, come_and_go);
    writers_and_a_reader(SCOPE_DISCARD_NEWEST, THREADS, come_and_go);
    a_definition_is_whole_when_it_is_seen();
    a_definition_is_seen_before_its_use();
    return CHECK_RESULT();
}
