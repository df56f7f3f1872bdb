/* Segment files: what is made is private and sound; what is not sound is refused with a reason. */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"
#include "segments.h"

/* Opens `path` and tells what is wrong with it: "" for nothing, "-1" for an error of the system's. */
static const char *fault_of(const char *path)
{
    scope_segment segment;
    const char *fault;
    int opened = scope_segment_open(&segment, path, &fault);
    CHECK(opened == 0 || opened == -1 || opened == -2, "%d", opened);
    if (opened == 0)
        scope_segment_close(&segment);
    return opened == 0 ? "" : opened == -1 ? "-1" : fault;
}

static void sizes_are_checked(void)
{
    struct {
        scope_segment_sizes sizes;
        const char *fault; /* a part of it; NULL: none */
    } cases[] = {
        {SMALL, NULL},
        {{1, 1 << 14, 1 << 15, 1 << 15, 4096, SCOPE_DISCARD_NEWEST}, NULL},
        {{1, 1 << 14, 1 << 15, 1 << 15, 4096, SCOPE_BLOCK_WRITER}, NULL},
        {{1024, 1 << 16, 1 << 26, 1 << 26, 1 << 24, SCOPE_OVERWRITE_OLDEST}, NULL},
        {{0, 1 << 14, 1 << 15, 1 << 15, 4096, 0}, "number of lanes"},
        {{1025, 1 << 14, 1 << 15, 1 << 15, 4096, 0}, "number of lanes"},
        {{1, 1 << 13, 1 << 15, 1 << 15, 4096, 0}, "block size"},
        {{1, 1 << 17, 1 << 18, 1 << 18, 4096, 0}, "block size"},
        {{1, 20000, 1 << 15, 1 << 15, 4096, 0}, "block size"},
        {{1, 0, 1 << 15, 1 << 15, 4096, 0}, "block size"},
        {{1, 1 << 14, 1 << 14, 1 << 15, 4096, 0}, "fewer than two blocks"},
        {{1, 1 << 14, 1 << 15, 1 << 14, 4096, 0}, "fewer than two blocks"},
        {{1, 1 << 14, 3 << 14, 1 << 15, 4096, 0}, "not a power of two"},
        {{1, 1 << 14, 1 << 15, 0, 4096, 0}, "not a power of two"},
        {{1, 1 << 14, 1 << 27, 1 << 15, 4096, 0}, "larger than 64 MiB"},
        {{1, 1 << 14, 1 << 15, 1 << 15, 2048, 0}, "definitions"},
        {{1, 1 << 14, 1 << 15, 1 << 15, 5000, 0}, "definitions"},
        {{1, 1 << 14, 1 << 15, 1 << 15, 1 << 27, 0}, "definitions"},
        {{1, 1 << 14, 1 << 15, 1 << 15, 4096, SCOPE_POLICIES}, "policy"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        const char *fault = scope_segment_check_sizes(&cases[index].sizes);
        const char *wanted = cases[index].fault;
        CHECK(wanted ? fault && strstr(fault, wanted) : !fault, "case %zu: %s", index, fault ? fault : "no fault");
    }
}

static void a_new_file_is_private_and_whole(void)
{
    struct stat file;
    mode_t before = umask(0);
    scope_segment segment = new_segment(&SMALL);
    umask(before);
    CHECK(fstat(segment.fd, &file) == 0, "%s", strerror(errno));
    CHECK((file.st_mode & 07777) == 0600, "mode %o", file.st_mode);
    CHECK((uint64_t)file.st_size == segment.header.size, "%lld bytes", (long long)file.st_size);
    CHECK(fcntl(segment.fd, F_GETFD) & FD_CLOEXEC, "it is inherited");
    CHECK(scope_segment_whole(&segment), "not whole");
    CHECK(segment.header.pid == (uint64_t)getpid(), "pid %llu", (unsigned long long)segment.header.pid);
    CHECK(segment.header.monotonic_ns <= segment.header.boottime_ns, "clocks");
    scope_segment_close(&segment);
    scope_segment_close(&segment); /* the second time does nothing */
}

static void parts_follow_each_other_without_overlap(void)
{
    for (uint32_t lanes = 1; lanes < 40; lanes += 6) {
        scope_segment_sizes sizes = SMALL;
        sizes.lanes = lanes;
        scope_segment segment = new_segment(&sizes);
        const scope_segment_header *header = &segment.header;
        uint64_t controls_end = header->lanes_offset + lanes * sizeof(scope_lane_control);
        CHECK(header->control_offset == SCOPE_PAGE && header->lanes_offset == 2 * SCOPE_PAGE, "%u lanes", lanes);
        CHECK(header->definitions_offset >= controls_end && header->definitions_offset < controls_end + SCOPE_PAGE,
              "definitions");
        CHECK(header->data_offset == header->definitions_offset + header->definitions_bytes, "data");
        CHECK(scope_lane_offset(header, 0) == header->data_offset, "lane 0");
        for (uint32_t lane = 1; lane < lanes; lane++)
            CHECK(scope_lane_offset(header, lane) == scope_lane_offset(header, lane - 1) + scope_lane_bytes(header, lane - 1),
                  "lane %u", lane);
        CHECK(header->size == scope_lane_offset(header, lanes - 1) + scope_lane_bytes(header, lanes - 1), "size");
        scope_segment_close(&segment);
    }
}

static void nothing_that_is_there_is_opened(void)
{
    char path[PATH_MAX], target[PATH_MAX];
    scope_segment segment;
    strcpy(target, test_path("target"));
    strcpy(path, test_path("link"));
    CHECK(symlink(target, path) == 0, "%s", strerror(errno));
    CHECK(scope_segment_create(&segment, path, &SMALL) == -1 && errno == EEXIST, "%s", strerror(errno));
    CHECK(access(target, F_OK) == -1, "the link was followed");
    CHECK(strcmp(fault_of(path), "-1") == 0, "a dangling link was opened");
    CHECK(scope_segment_create(&segment, target, &SMALL) == 0, "%s", strerror(errno));
    scope_segment_close(&segment);
    CHECK(fault_of(target)[0] == 0, "%s", fault_of(target));
    CHECK(strcmp(fault_of(path), "-1") == 0, "a link was followed");
    CHECK(scope_segment_create(&segment, test_path("nowhere/s.seg"), &SMALL) == -1 && errno == ENOENT, "%s",
          strerror(errno));
}

static void wrong_sizes_make_no_file(void)
{
    scope_segment segment;
    scope_segment_sizes sizes = SMALL;
    sizes.lanes = 0;
    CHECK(scope_segment_create(&segment, test_path("none.seg"), &sizes) == -1 && errno == EINVAL, "%s", strerror(errno));
    CHECK(access(test_path("none.seg"), F_OK) == -1, "a file is left");
}

static void a_limit_of_file_sizes_is_an_error_and_leaves_no_file(void)
{
    struct rlimit before, tight;
    scope_segment segment;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    tight = before;
    for (rlim_t limit = 0; limit < 3 * SCOPE_PAGE; limit += SCOPE_PAGE) {
        tight.rlim_cur = limit;
        setrlimit(RLIMIT_FSIZE, &tight);
        CHECK(scope_segment_create(&segment, test_path("full.seg"), &SMALL) == -1 && errno == EFBIG, "%s", strerror(errno));
        CHECK(access(test_path("full.seg"), F_OK) == -1, "a file is left");
    }
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(scope_segment_create(&segment, test_path("full.seg"), &SMALL) == 0, "%s", strerror(errno));
    scope_segment_close(&segment);
}

static int create_beyond_the_disk(void)
{
    scope_segment segment;
    for (int turn = 0; turn < 3; turn++) {
        CHECK(scope_segment_create(&segment, test_path("big.seg"), &SMALL) == -1 && errno == ENOSPC, "%s", strerror(errno));
        CHECK(access(test_path("big.seg"), F_OK) == -1, "a file is left");
    }
    return check_failures;
}

static void a_segment_that_the_disk_cannot_hold_is_not_made(void)
{
    CHECK(with_small_disk(BLOCK / 1024, create_beyond_the_disk) == 0, "see above");
}

/* ---- opening ---- */

typedef struct {
    size_t offset;
    uint64_t value;
    size_t size;
    const char *fault;
} damage;

/* A sound segment's bytes with `size` bytes at `offset` replaced. */
static const char *fault_with(const damage *done)
{
    scope_segment made;
    char real[PATH_MAX];
    strcpy(real, test_path("damaged.seg"));
    CHECK(scope_segment_create(&made, real, &SMALL) == 0, "%s", strerror(errno));
    CHECK(pwrite(made.fd, &done->value, done->size, (off_t)done->offset) == (ssize_t)done->size, "%s", strerror(errno));
    const char *fault = fault_of(real);
    scope_segment_close(&made);
    unlink(real);
    return fault;
}

static void damaged_headers_are_refused_with_the_reason(void)
{
    const damage cases[] = {
        {0, 0, 0, ""},
        {0, 'X', 1, "no segment"},
        {8, 0, 4, "not finished"},
        {8, 2, 4, "not finished"},
        {12, 1, 2, "another major version"},
        {14, 9, 2, ""}, /* a later minor version */
        {16, 1, 8, "features"},
        {24, 1, 8, ""}, /* compatible features */
        {32, 0, 8, ""}, /* the uuid is anybody's */
        {48, 4096, 8, "offsets"},
        {56, 8192, 4, "offsets"},
        {60, 2, 4, "offsets"},
        {60, 0, 4, "number of lanes"},
        {60, UINT32_MAX, 4, "number of lanes"},
        {64, 1 << 15, 4, "fewer than two blocks"},
        {64, 12345, 4, "block size"},
        {68, 7, 4, "policy"},
        {72, 0, 8, "offsets"},
        {80, UINT64_MAX, 8, "offsets"},
        {88, 1 << 20, 8, "offsets"},
        {96, UINT64_MAX, 8, "not a power of two"},
        {96, UINT64_C(1) << 63, 8, "larger"},
        {104, 0, 8, "not a power of two"},
        {112, 4096, 8, "offsets"},
        {120, 8192, 8, "offsets"},
        {120, 1, 8, "definitions"},
        {168, 0, 4, "clock"},
        {128, 1, 8, ""}, /* another pid: a dead one's */
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        const char *fault = fault_with(&cases[index]);
        bool as_wanted = cases[index].fault[0] ? strstr(fault, cases[index].fault) != NULL : !fault[0];
        CHECK(as_wanted, "offset %zu: \"%s\", wanted \"%s\"", cases[index].offset, fault, cases[index].fault);
    }
}

static void any_damage_to_a_header_is_survived(void)
{
    uint64_t state = 1;
    for (size_t offset = 0; offset < sizeof(scope_segment_header); offset++)
        for (int turn = 0; turn < 2; turn++) {
            damage done = {offset, random_number(&state), 1, NULL};
            fault_with(&done);
        }
}

static void files_of_another_length_or_kind_are_refused(void)
{
    char path[PATH_MAX];
    const char *fault;
    scope_segment segment, reader;
    strcpy(path, test_path("cut.seg"));
    CHECK(scope_segment_create(&segment, path, &SMALL) == 0, "%s", strerror(errno));
    uint64_t size = segment.header.size;
    CHECK(scope_segment_open(&reader, path, &fault) == 0, "%s", fault);
    const struct {
        uint64_t size;
        const char *fault;
    } cases[] = {{size + 1, "cut or grown"}, {size - 1, "cut or grown"}, {SCOPE_PAGE, "cut or grown"}, {SCOPE_PAGE - 1, "too short"},
                 {0, "too short"}};
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        CHECK(ftruncate(segment.fd, (off_t)cases[index].size) == 0, "%s", strerror(errno));
        CHECK(!scope_segment_whole(&reader), "%llu bytes pass for whole", (unsigned long long)cases[index].size);
        fault = fault_of(path);
        CHECK(strstr(fault, cases[index].fault), "\"%s\", wanted \"%s\"", fault, cases[index].fault);
    }
    scope_segment_close(&reader);
    scope_segment_close(&segment);
    CHECK(strcmp(fault_of(test_path("nowhere")), "-1") == 0, "a file that is not there");
    CHECK(strcmp(fault_of(segments_directory), "-1") == 0, "a directory");
    CHECK(mkfifo(test_path("pipe"), 0600) == 0 && strstr(fault_of(test_path("pipe")), "not a regular file"), "a pipe");
}

static void another_users_file_is_refused(void)
{
    char path[PATH_MAX];
    scope_segment segment;
    if (geteuid() != 0)
        return; /* only root can give a file away */
    strcpy(path, test_path("theirs.seg"));
    CHECK(scope_segment_create(&segment, path, &SMALL) == 0 && fchown(segment.fd, 12345, 12345) == 0, "%s", strerror(errno));
    CHECK(strstr(fault_of(path), "another user"), "%s", fault_of(path));
    scope_segment_close(&segment);
}

int main(void)
{
    sizes_are_checked();
    a_new_file_is_private_and_whole();
    parts_follow_each_other_without_overlap();
    nothing_that_is_there_is_opened();
    wrong_sizes_make_no_file();
    a_limit_of_file_sizes_is_an_error_and_leaves_no_file();
    a_segment_that_the_disk_cannot_hold_is_not_made();
    damaged_headers_are_refused_with_the_reason();
    any_damage_to_a_header_is_survived();
    files_of_another_length_or_kind_are_refused();
    another_users_file_is_refused();
    return CHECK_RESULT();
}
