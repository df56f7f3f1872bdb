/* Makes, opens and validates segment files. */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "clock.h"
#include "ids.h"

#define CLOCK_NS_MAX (UINT64_C(1) << 62) /* the year 2116; sums and differences of two fit 64 bits with a sign */

static uint64_t round_up(uint64_t value, uint64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static bool power_of_two(uint64_t value)
{
    return value && (value & (value - 1)) == 0;
}

static const char *check_lane_bytes(uint64_t bytes, uint64_t block_bytes)
{
    if (!power_of_two(bytes))
        return "a lane's size is not a power of two";
    if (bytes < 2 * block_bytes)
        return "a lane holds fewer than two blocks";
    if (bytes > SCOPE_LANE_BYTES_MAX)
        return "a lane is larger than 64 MiB";
    return NULL;
}

const char *scope_segment_check_sizes(const scope_segment_sizes *sizes)
{
    if (sizes->lanes < 1 || sizes->lanes > SCOPE_LANES_MAX)
        return "the number of lanes is not between 1 and 1024";
    if (!power_of_two(sizes->block_bytes) || sizes->block_bytes < SCOPE_BLOCK_BYTES_MIN
        || sizes->block_bytes > SCOPE_BLOCK_BYTES_MAX)
        return "the block size is not 16, 32 or 64 KiB";
    if (sizes->definitions_bytes < SCOPE_DEFINITIONS_BYTES_MIN || sizes->definitions_bytes > SCOPE_DEFINITIONS_BYTES_MAX
        || sizes->definitions_bytes % SCOPE_PAGE)
        return "the definitions' size is not a multiple of 4 KiB between 4 KiB and 16 MiB";
    if (sizes->policy >= SCOPE_POLICIES)
        return "the overflow policy is unknown";
    const char *fault = check_lane_bytes(sizes->first_lane_bytes, sizes->block_bytes);
    return fault ? fault : check_lane_bytes(sizes->lane_bytes, sizes->block_bytes);
}

/* The offsets and the size that follow from `sizes`; a reader computes them again and compares. */
static void lay_out(scope_segment_header *header, const scope_segment_sizes *sizes)
{
    header->header_bytes = SCOPE_PAGE;
    header->lanes = sizes->lanes;
    header->block_bytes = sizes->block_bytes;
    header->policy = sizes->policy;
    header->first_lane_bytes = sizes->first_lane_bytes;
    header->lane_bytes = sizes->lane_bytes;
    header->definitions_bytes = sizes->definitions_bytes;
    header->control_offset = SCOPE_PAGE;
    header->lanes_offset = 2 * SCOPE_PAGE;
    header->definitions_offset = header->lanes_offset + round_up(sizes->lanes * sizeof(scope_lane_control), SCOPE_PAGE);
    header->data_offset = round_up(header->definitions_offset + sizes->definitions_bytes, SCOPE_PAGE);
    header->size = scope_lane_offset(header, sizes->lanes);
    if (sizes->lanes == 1)
        header->size = header->data_offset + sizes->first_lane_bytes;
}

static void point_into(scope_segment *segment)
{
    segment->control = (scope_control_page *)(segment->base + segment->header.control_offset);
    segment->lanes = (scope_lane_control *)(segment->base + segment->header.lanes_offset);
    segment->definitions = (scope_word *)(segment->base + segment->header.definitions_offset);
    segment->block_ns = SCOPE_BLOCK_NS;
}

/* Everything of the header but `ready`. */
static int fill_header(scope_segment_header *header, const scope_segment_sizes *sizes)
{
    scope_random random;
    scope_identity self;
    if (scope_identity_self(&self) < 0 || scope_random_seed(&random) < 0)
        return -1;
    memset(header, 0, sizeof *header);
    memcpy(header->magic, SCOPE_MAGIC, sizeof header->magic);
    header->abi_major = SCOPE_ABI_MAJOR;
    header->abi_minor = SCOPE_ABI_MINOR;
    memcpy(header->uuid, &random, sizeof header->uuid);
    lay_out(header, sizes);
    header->pid = self.pid;
    header->start_ticks = self.start_ticks;
    memcpy(header->boot_id, self.boot_id, sizeof header->boot_id);
    header->pid_namespace = self.pid_namespace;
    header->clock_id = CLOCK_MONOTONIC;
    header->monotonic_ns = scope_clock_read(CLOCK_MONOTONIC);
    header->boottime_ns = scope_clock_read(CLOCK_BOOTTIME);
    header->realtime_ns = scope_clock_read(CLOCK_REALTIME);
    return 0;
}

static bool allocate(const scope_segment *segment, uint64_t offset, uint64_t length)
{
    if (fallocate(segment->fd, 0, (off_t)offset, (off_t)length) == 0)
        return true;
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        return false;
    static const uint8_t zeroes[SCOPE_PAGE];
    for (uint64_t at = offset; at < offset + length; at += sizeof zeroes)
        if (pwrite(segment->fd, zeroes, sizeof zeroes, (off_t)at) != (ssize_t)sizeof zeroes)
            return false;
    return true;
}

int scope_segment_allocate(scope_segment *segment, uint64_t offset, uint64_t length)
{
    if (allocate(segment, offset, length))
        return 0;
    atomic_store_explicit(&segment->short_of_memory, true, memory_order_relaxed);
    return -1;
}

static int map(scope_segment *segment)
{
    void *base = mmap(NULL, segment->header.size, PROT_READ | PROT_WRITE, MAP_SHARED, segment->fd, 0);
    if (base == MAP_FAILED)
        return -1;
    madvise(base, segment->header.size, MADV_DONTDUMP);
    segment->base = base;
    point_into(segment);
    return 0;
}

/* Everything after the file exists; the caller unlinks it on failure. */
static int build(scope_segment *segment, const scope_segment_sizes *sizes)
{
    if (fill_header(&segment->header, sizes) < 0 || ftruncate(segment->fd, (off_t)segment->header.size) < 0)
        return -1;
    if (scope_segment_allocate(segment, 0, segment->header.definitions_offset) < 0 || map(segment) < 0)
        return -1;
    /* without room for the beginning of one lane the segment is of no use; better to say so now */
    uint64_t beginning = scope_lane_backing(&segment->header, 0, 0);
    if (scope_segment_allocate(segment, scope_lane_offset(&segment->header, 0), beginning) < 0)
        return -1;
    memcpy(segment->base, &segment->header, sizeof segment->header);
    /* pairs with the acquire load in scope_segment_open: who sees `ready` sees the whole header */
    scope_store_release32(&((scope_segment_header *)segment->base)->ready, 1);
    return 0;
}

/* A file without a name in the directory of `path`, which goes with the process as long as it has none; -1 where there are
 * none such. */
static int open_nameless(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    if (length >= sizeof directory - 1)
        return -1;
    memcpy(directory, path, length);
    memcpy(directory + length, ".", 2);
    return open(directory, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
}

/* Gives the nameless file its name, which nothing may have yet. */
static int give_name(int fd, const char *path)
{
    char nameless[32];
    snprintf(nameless, sizeof nameless, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, nameless, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* Makes the segment and then lets it be seen, so that whoever is killed in between leaves nothing. 0; -1 with errno set. */
static int create_whole(scope_segment *segment, const char *path, const scope_segment_sizes *sizes)
{
    segment->fd = open_nameless(path);
    if (segment->fd >= 0 && build(segment, sizes) == 0 && give_name(segment->fd, path) == 0)
        return 0;
    int saved = errno;
    scope_segment_close(segment);
    errno = saved;
    return -1;
}

/* For file systems on which the other way is closed: seen before it is ready, which readers know. */
static int create_in_sight(scope_segment *segment, const char *path, const scope_segment_sizes *sizes)
{
    segment->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (segment->fd < 0)
        return -1;
    if (build(segment, sizes) == 0)
        return 0;
    int saved = errno;
    scope_segment_close(segment);
    unlink(path);
    errno = saved;
    return -1;
}

int scope_segment_create(scope_segment *segment, const char *path, const scope_segment_sizes *sizes)
{
    memset(segment, 0, sizeof *segment);
    if (scope_segment_check_sizes(sizes)) {
        errno = EINVAL;
        return -1;
    }
    if (create_whole(segment, path, sizes) == 0)
        return 0;
    return errno == ENOSPC ? -1 : create_in_sight(segment, path, sizes);
}

/* Validates the private copy of the header against itself and the file's size. */
static const char *check_header(const scope_segment_header *header, uint64_t file_bytes)
{
    if (memcmp(header->magic, SCOPE_MAGIC, sizeof header->magic) != 0)
        return "no segment: the magic is missing";
    if (header->abi_major != SCOPE_ABI_MAJOR)
        return "written by another major version of the format";
    if (header->incompatible)
        return "uses features that this version does not know";
    scope_segment_sizes sizes = {
        .lanes = header->lanes,
        .block_bytes = header->block_bytes,
        .first_lane_bytes = header->first_lane_bytes,
        .lane_bytes = header->lane_bytes,
        .definitions_bytes = header->definitions_bytes,
        .policy = header->policy,
    };
    const char *fault = scope_segment_check_sizes(&sizes);
    if (fault)
        return fault;
    scope_segment_header expected = *header;
    lay_out(&expected, &sizes);
    if (memcmp(&expected, header, sizeof expected) != 0)
        return "its offsets do not follow from its sizes";
    if (file_bytes != header->size)
        return "cut or grown: its length is not the one it promises";
    if (header->pid == 0 || header->pid > INT32_MAX)
        return "its pid is none";
    if (header->reserved)
        return "a reserved field is set";
    if (header->monotonic_ns > CLOCK_NS_MAX || header->realtime_ns > CLOCK_NS_MAX)
        return "its clocks show no time";
    return header->clock_id == CLOCK_MONOTONIC ? NULL : "its clock is unknown";
}

/* Reads the header into the private copy. Not through a mapping: the file may be cut at any moment. */
static const char *read_header(scope_segment *segment, uint64_t file_bytes)
{
    uint32_t ready = 0;
    if (file_bytes < SCOPE_PAGE)
        return "too short for a header";
    if (pread(segment->fd, &ready, sizeof ready, offsetof(scope_segment_header, ready)) != sizeof ready)
        return "its header cannot be read";
    /* pairs with the release store in build(): what is read from here on is the header that was finished before */
    scope_fence_acquire();
    if (pread(segment->fd, &segment->header, sizeof segment->header, 0) != sizeof segment->header)
        return "its header cannot be read";
    if (memcmp(segment->header.magic, SCOPE_MAGIC, sizeof segment->header.magic) == 0 && ready != 1)
        return "not finished: its process is still making it or died while doing so";
    return check_header(&segment->header, file_bytes);
}

int scope_segment_open(scope_segment *segment, const char *path, const char **fault)
{
    struct stat file;
    memset(segment, 0, sizeof *segment);
    *fault = NULL;
    segment->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (segment->fd < 0)
        return -1;
    if (fstat(segment->fd, &file) < 0)
        *fault = "it cannot be examined";
    else if (!S_ISREG(file.st_mode))
        *fault = "not a regular file";
    else if (file.st_uid != geteuid())
        *fault = "it belongs to another user";
    else
        *fault = read_header(segment, (uint64_t)file.st_size);
    if (!*fault && map(segment) < 0)
        *fault = "it cannot be mapped";
    if (!*fault)
        return 0;
    scope_segment_close(segment);
    return -2;
}

bool scope_segment_whole(const scope_segment *segment)
{
    struct stat file;
    return fstat(segment->fd, &file) == 0 && (uint64_t)file.st_size == segment->header.size;
}

bool scope_segment_hollow(const scope_segment *segment)
{
    struct stat file;
    struct statfs system;
    uint64_t written = 0;
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++) {
        uint64_t tail = scope_load_relaxed(&segment->lanes[lane].tail);
        uint64_t bytes = scope_lane_bytes(&segment->header, lane);
        written += tail < bytes ? tail : bytes;
    }
    if (fstat(segment->fd, &file) < 0 || (uint64_t)file.st_blocks * 512 >= written)
        return false;
    return fstatfs(segment->fd, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

void scope_segment_close(scope_segment *segment)
{
    if (segment->base)
        munmap(segment->base, segment->header.size);
    if (segment->fd > 0)
        close(segment->fd);
    segment->base = NULL;
    segment->fd = -1;
}

/* Makes sure that real pages stand behind the first `bytes` of the definitions. */
static int back_definitions(scope_segment *segment, uint64_t bytes)
{
    if (bytes <= segment->definitions_allocated)
        return 0;
    uint64_t wanted = round_up(bytes, SCOPE_BLOCK_BYTES_MIN);
    if (wanted > segment->header.definitions_bytes)
        wanted = segment->header.definitions_bytes;
    if (scope_segment_allocate(segment, segment->header.definitions_offset, wanted) < 0)
        return -1;
    segment->definitions_allocated = wanted;
    return 0;
}

static bool has_room_for(scope_segment *segment, uint64_t tail, uint64_t bytes)
{
    return tail + bytes <= segment->header.definitions_bytes && back_definitions(segment, tail + bytes) == 0;
}

static uint64_t definition_bytes(uint32_t length)
{
    return round_up(8 + (uint64_t)length, 8);
}

bool scope_can_define(scope_segment *segment, uint32_t length)
{
    return has_room_for(segment, scope_load_relaxed(&segment->control->definitions_tail), definition_bytes(length));
}

uint32_t scope_define(scope_segment *segment, enum scope_definition kind, const uint8_t *payload, uint32_t length)
{
    scope_control_page *control = segment->control;
    uint64_t tail = scope_load_relaxed(&control->definitions_tail);
    uint64_t count = scope_load_relaxed(&control->definitions_count);
    uint64_t bytes = definition_bytes(length);
    if (!has_room_for(segment, tail, bytes)) {
        scope_count_lost(&control->lost[SCOPE_LOST_DEFINITIONS_FULL], 1);
        return 0;
    }
    scope_word *entry = segment->definitions + tail / 8;
    scope_store_relaxed(entry, bytes | (uint64_t)kind << 32);
    scope_store_bytes(entry + 1, payload, length);
    scope_store_relaxed(&control->definitions_count, count + 1);
    /* pairs with the acquire load of the reader, who loads lane tails before this one */
    scope_store_release(&control->definitions_tail, tail + bytes);
    return (uint32_t)(count + 1);
}
