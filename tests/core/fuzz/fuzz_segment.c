/* A whole segment file of which every byte is hostile: opened, validated, read by lanes and definitions, correlated.
 *
 * Files are mostly zeroes, so the input says what is not: the length of the file (u32), then pieces: where (u32), how many
 * bytes (u16), the bytes. A piece with the highest bit of its place set is written only after the first pass, as a writer
 * does that scribbles over its segment while it is read.
 */
#include "groups.h"

#include <fcntl.h>
#include <unistd.h>

#include "reader.h"

enum { FILE_MAX = 1 << 20, PASSES = 3, HELD_MAX = 1 << 20 };
/* Whatever the file holds: twice what the correlator may hold, a buffer, lanes and buckets. */
#define MEMORY_MAX (2 * HELD_MAX + SCOPE_READ_BYTES + (1 << 20))
#define LATER (UINT32_C(1) << 31)

static char path[64];
static int file = -1;

static void remove_file(void)
{
    unlink(path);
}

static void make_file(void)
{
    snprintf(path, sizeof path, "%s/scope-fuzz-%d", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    HOLDS(file >= 0, "%s cannot be made", path);
    atexit(remove_file);
}

/* Writes the pieces whose turn it is. */
static void write_pieces(source from, uint32_t size, bool later)
{
    while (from.left) {
        uint32_t place = take32(&from);
        uint16_t length = take16(&from);
        size_t there = length < from.left ? length : from.left;
        uint32_t at = (place & ~LATER) % size;
        size_t kept = there < size - at ? there : size - at;
        if (later == ((place & LATER) != 0))
            HOLDS(pwrite(file, from.at, kept, at) == (ssize_t)kept, "write");
        from.at += there;
        from.left -= there;
    }
}

typedef struct {
    scope_correlator *correlator;
    const scope_lane_reader *reader;
    uint64_t capacity, next;
} sink_state;

static void on_record(void *self, uint32_t lane, uint64_t position, const uint8_t *record, uint64_t words)
{
    sink_state *to = self;
    HOLDS(position % 8 == 0 && position >= to->next, "position %llu after %llu", (unsigned long long)position,
          (unsigned long long)to->next);
    HOLDS(position >= to->reader->head && to->reader->seen_tail - position <= to->capacity, "position %llu of %llu to %llu",
          (unsigned long long)position, (unsigned long long)to->reader->head, (unsigned long long)to->reader->seen_tail);
    HOLDS(position + 8 * words <= to->reader->seen_tail, "%llu words", (unsigned long long)words);
    HOLDS(scope_header_stamp(scope_load64(record)) == scope_stamp(position), "an earlier lap's");
    to->next = position + 8 * words;
    scope_correlator_feed(to->correlator, 0, lane, position, record, words, 1);
}

static void on_lost(void *self, uint32_t lane, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    scope_correlator_lose(((sink_state *)self)->correlator, 0, lane, time_ns, events, reason);
}

static void read_lanes(const scope_segment *segment, scope_lane_reader *readers, uint8_t *buffer, scope_correlator *correlator)
{
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++) {
        uint64_t capacity = scope_lane_bytes(&segment->header, lane);
        sink_state state = {correlator, &readers[lane], capacity, 0};
        scope_sink sink = {&state, on_record, on_lost};
        uint64_t before = readers[lane].head;
        HOLDS(scope_lane_read(segment, lane, &readers[lane], buffer, &sink) <= SCOPE_READ_BYTES / 32, "more events than fit");
        HOLDS(readers[lane].head >= before, "it went back");
    }
    scope_correlator_pass(correlator, 0);
}

/* Entries up to the tail, or to damage. */
static void read_definitions(const scope_segment *segment, uint8_t *buffer)
{
    uint64_t tail = scope_load_acquire(&segment->control->definitions_tail);
    if (tail > segment->header.definitions_bytes || tail % 8)
        return;
    uint64_t size = tail < SCOPE_READ_BYTES ? tail : SCOPE_READ_BYTES, at = 0;
    scope_load_bytes(buffer, segment->definitions, size / 8);
    for (uint32_t length; (length = scope_definition_length(buffer + at, size - at)); at += length)
        HOLDS(length % 8 == 0 && length <= size - at, "an entry of %u bytes", length);
}

static void read_segment(const scope_segment *segment, source pieces)
{
    const scope_segment_header *header = &segment->header;
    scope_lane_reader *readers = calloc(header->lanes, sizeof *readers);
    uint8_t *buffer = malloc(SCOPE_READ_BYTES);
    scope_correlator *correlator = scope_correlator_new(HELD_MAX);
    HOLDS(readers && buffer && correlator && scope_correlator_add(correlator, header->lanes) == 0, "no memory");
    for (int pass = 0; pass < PASSES; pass++) {
        read_lanes(segment, readers, buffer, correlator);
        read_definitions(segment, buffer);
        take_finished(correlator);
        if (pass == 0)
            write_pieces(pieces, (uint32_t)header->size, true);
    }
    scope_correlator_abort(correlator, 0);
    take_finished(correlator);
    HOLDS(scope_correlator_read_statistics(correlator).open == 0, "something stays open");
    scope_correlator_free(correlator);
    free(buffer);
    free(readers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source from = {data, size};
    scope_segment segment;
    const char *fault;
    uint32_t bytes = take32(&from) % FILE_MAX + 1;
    if (file < 0)
        make_file();
    HOLDS(ftruncate(file, 0) == 0 && ftruncate(file, bytes) == 0, "length");
    write_pieces(from, bytes, false);
    memory_begin(MEMORY_MAX);
    int opened = scope_segment_open(&segment, path, &fault);
    HOLDS(opened == 0 || (opened == -2 && fault), "%d", opened);
    if (opened == 0) {
        HOLDS(segment.header.size == bytes, "%llu", (unsigned long long)segment.header.size);
        read_segment(&segment, from);
        scope_segment_close(&segment);
    }
    memory_end();
    return 0;
}
