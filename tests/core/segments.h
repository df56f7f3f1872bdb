/* Segments for tests: made in a directory that goes with the process, written and read in a few words. */
#ifndef SCOPE_SEGMENTS_H
#define SCOPE_SEGMENTS_H

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reader.h"
#include "ring.h"
#include "segment.h"

#define BLOCK SCOPE_BLOCK_BYTES_MIN

static const scope_segment_sizes SMALL = {
    .lanes = 3,
    .block_bytes = BLOCK,
    .first_lane_bytes = 4 * BLOCK,
    .lane_bytes = 2 * BLOCK,
    .definitions_bytes = SCOPE_PAGE,
    .policy = SCOPE_OVERWRITE_OLDEST,
};

static char segments_directory[64];

static void segments_clean_up(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", segments_directory);
    if (system(command) != 0)
        fprintf(stderr, "%s is left behind\n", segments_directory);
}

/* A path in the test's own directory; good until the next call. */
static const char *test_path(const char *name)
{
    static char path[PATH_MAX];
    if (!segments_directory[0]) {
        strcpy(segments_directory, access("/dev/shm", W_OK) == 0 ? "/dev/shm/scope-XXXXXX" : "/tmp/scope-XXXXXX");
        if (!mkdtemp(segments_directory))
            abort();
        atexit(segments_clean_up);
    }
    snprintf(path, sizeof path, "%s/%s", segments_directory, name);
    return path;
}

/* Mounts a disk of `kib` KiB over the test's directory, for this process alone; false where that is not allowed. */
static inline bool mount_small_disk(unsigned kib)
{
    char options[32];
    snprintf(options, sizeof options, "size=%uk", kib);
    test_path("");
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return false;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
           && mount("tmpfs", segments_directory, "tmpfs", 0, options) == 0;
}

/* Does `work` in a child with a small disk; how many of its checks failed. */
static inline int with_small_disk(unsigned kib, int (*work)(void))
{
    int status;
    test_path("");
    pid_t child = fork();
    if (child == 0) {
        if (!mount_small_disk(kib)) {
            fprintf(stderr, "not tested: no disk can be mounted here\n");
            _exit(0);
        }
        _exit(work());
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* A new segment, which the caller closes. */
static inline scope_segment new_segment(const scope_segment_sizes *sizes)
{
    static int made;
    char name[32];
    scope_segment segment;
    snprintf(name, sizeof name, "%d.seg", made++);
    if (scope_segment_create(&segment, test_path(name), sizes) < 0) {
        perror(name);
        abort();
    }
    return segment;
}

static inline scope_segment_sizes sizes_with(enum scope_policy policy)
{
    scope_segment_sizes sizes = SMALL;
    sizes.policy = policy;
    return sizes;
}

/* Writes an event of `words` (4 at least) whose payload words are all `value`; false where there was no room. */
static inline bool write_event(scope_ring *ring, uint8_t type, uint64_t key, uint64_t words, uint64_t value)
{
    scope_word *at = scope_ring_reserve(ring, words);
    if (!at)
        return false;
    scope_store_relaxed(at, scope_header(type, words, ring->tail, key));
    scope_store_relaxed(at + 1, value);
    scope_store_relaxed(at + 2, (uint32_t)key);
    scope_store_relaxed(at + 3, 1);
    for (uint64_t word = SCOPE_PREFIX_WORDS; word < words; word++)
        scope_store_relaxed(at + word, value);
    scope_ring_commit(ring, words);
    return true;
}

/* What a reader was handed: the values of events in order, and losses by reason. */
typedef struct {
    uint64_t *values;
    size_t count, capacity;
    uint64_t lost[SCOPE_LOSS_REASONS];
    uint64_t lanes_met; /* owners that LANE records told of */
    uint64_t owners[8]; /* the last of them, per lane: thread id and generation */
    uint64_t torn; /* events whose words do not agree */
    uint8_t *buffer;
    scope_lane_reader readers[8];
} reading;

static inline void reading_record(void *self, uint32_t lane, uint64_t position, const uint8_t *record, uint64_t words)
{
    reading *to = self;
    uint8_t type = scope_header_type(scope_load64(record));
    (void)position;
    if (type == SCOPE_LANE) {
        to->lanes_met += scope_load64(record + 16) != to->owners[lane];
        to->owners[lane] = scope_load64(record + 16);
    }
    if (type < SCOPE_EVENTS)
        return;
    if (to->count == to->capacity) {
        to->capacity = to->capacity ? to->capacity * 2 : 1024;
        to->values = realloc(to->values, to->capacity * sizeof *to->values);
        if (!to->values)
            abort();
    }
    uint64_t value = scope_load64(record + 8);
    for (uint64_t word = SCOPE_PREFIX_WORDS; word < words; word++)
        to->torn += scope_load64(record + 8 * word) != value;
    to->values[to->count++] = value;
}

static inline void reading_lost(void *self, uint32_t lane, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    reading *to = self;
    (void)lane;
    (void)time_ns;
    to->lost[reason] += events;
}

static inline reading new_reading(const scope_segment *segment)
{
    const scope_segment_header *header = &segment->header;
    uint64_t largest = header->first_lane_bytes > header->lane_bytes ? header->first_lane_bytes : header->lane_bytes;
    reading made = {.buffer = malloc(largest)};
    if (!made.buffer)
        abort();
    return made;
}

/* One pass over `lane`; the number of events that it gave. */
static inline uint64_t read_lane(reading *to, const scope_segment *segment, uint32_t lane)
{
    scope_sink sink = {to, reading_record, reading_lost};
    return scope_lane_read(segment, lane, &to->readers[lane], to->buffer, &sink);
}

static inline void end_reading(reading *to)
{
    free(to->values);
    free(to->buffer);
}

/* A generator of test data: the same numbers in every run. */
static inline uint64_t random_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

#endif
