/* Counting, killing, and starting again. What is promised is told in crash.h. */
#include "crash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

static uint64_t countdown; /* 0: nobody is to be killed */
static uint64_t cases, kills;
static bool disk_is_full, names_only;

void scope_crash_step(void)
{
    if (!countdown || --countdown)
        return;
    if (check_failures)
        _exit(1); /* or nobody would learn of them */
    kill(getpid(), SIGKILL);
}

/* ---- system calls: the linker puts these in place of the library's ---- */

int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, mode_t mode)
{
    scope_crash_step();
    if (names_only && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_open(path, flags, mode);
}

int __real_fallocate(int fd, int mode, off_t offset, off_t length);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t length);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t length)
{
    scope_crash_step();
    errno = ENOSPC;
    return disk_is_full ? -1 : __real_fallocate(fd, mode, offset, length);
}

void crash_fill_disk(void)
{
    disk_is_full = true;
}

void crash_name_files(void)
{
    names_only = true;
}

#define COUNTED(type, name, parameters, arguments)                                                                     \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        scope_crash_step();                                                                                            \
        return __real_##name arguments;                                                                                \
    }

COUNTED(int, close, (int fd), (fd))
COUNTED(int, ftruncate, (int fd, off_t length), (fd, length))
COUNTED(void *, mmap, (void *at, size_t length, int protection, int flags, int fd, off_t offset),
        (at, length, protection, flags, fd, offset))
COUNTED(int, munmap, (void *at, size_t length), (at, length))
COUNTED(int, madvise, (void *at, size_t length, int advice), (at, length, advice))
COUNTED(int, unlink, (const char *path), (path))
COUNTED(int, linkat, (int from, const char *old, int to, const char *new, int flags), (from, old, to, new, flags))
COUNTED(pid_t, fork, (void), ())

/* ---- trials ---- */

/* The trial itself; it is killed before step k, else ends with 0. */
static void try_and_die(stage *self, uint64_t k)
{
    check_failures = 0;
    if (self->what->prepare)
        self->what->prepare(self);
    countdown = k;
    self->what->act(self);
    countdown = 0;
    _exit(check_failures != 0);
}

static void forget(stage *self)
{
    memset(self->of, 0, sizeof *self->of);
    memset(self->other, 0, sizeof *self->other);
    memset(self->durable, 0, SCOPE_PAGE);
    unlink(self->path);
    unlink(self->other_path);
}

/* Whether the trial was killed. */
static bool try_once(stage *self, uint64_t k)
{
    int status = 0;
    forget(self);
    if (self->what->begin)
        self->what->begin(self);
    fflush(stderr);
    pid_t trial = fork();
    if (trial < 0)
        abort();
    if (trial == 0)
        try_and_die(self, k);
    waitpid(trial, &status, 0);
    self->was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    CHECK(self->was_killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "status %x", status);
    if (self->what->look)
        self->what->look(self);
    else
        crash_look(self);
    return self->was_killed;
}

static stage *the_stage(void)
{
    static stage self;
    if (self.of)
        return &self;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        abort();
    self.of = new_told();
    self.other = new_told();
    self.durable = mmap(NULL, SCOPE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(self.path, sizeof self.path, "%s", test_path("one.seg"));
    snprintf(self.other_path, sizeof self.other_path, "%s", test_path("two.seg"));
    return &self;
}

void crash_sweep(const crash_case *what)
{
    stage *self = the_stage();
    self->what = what;
    cases++;
    int before = check_failures;
    for (uint64_t k = 1; try_once(self, k) && check_failures == before; k++)
        kills++;
    if (check_failures > before)
        fprintf(stderr, "%s: policy %d, %llu words, room %llu, %llu blocks\n", what->name, what->sizes.policy,
                (unsigned long long)what->words, (unsigned long long)what->room, (unsigned long long)what->blocks);
}

/* ---- parts of cases ---- */

void crash_look_at(const char *path, const told *of)
{
    const char *fault;
    scope_segment segment;
    int opened = scope_segment_open(&segment, path, &fault);
    CHECK(opened == 0, "%s: %s", path, opened == -2 ? fault : strerror(errno));
    if (opened < 0)
        return;
    CHECK(owner_is_dead(&segment), "its owner seems to live");
    survive(&segment, of);
    scope_segment_close(&segment);
    CHECK(unlink(path) == 0, "%s: %s", path, strerror(errno));
}

void crash_look(stage *self)
{
    crash_look_at(self->path, self->of);
}

void crash_begin(stage *self)
{
    if (scope_segment_create(&self->segment, self->path, &self->what->sizes) < 0)
        abort();
    self->of->made++;
    CHECK(scope_lane_claim(&self->segment, &self->ring, 1, "", 0) == 0, "no lane");
}

void crash_free(stage *self)
{
    uint32_t lane = self->ring.lane;
    self->of->stored[lane] = self->of->committed[lane];
    atomic_store(&self->ring.control->head, self->ring.tail);
}

static void write_on(stage *self, uint64_t words)
{
    if (self->what->sizes.policy != SCOPE_OVERWRITE_OLDEST)
        crash_free(self);
    CHECK(tell_write(self->of, &self->ring, words, SCOPE_LOST_FULL), "no room");
}

void crash_fill(stage *self)
{
    enum { LARGE = 900 };
    scope_ring *ring = &self->ring;
    for (uint64_t end = ring->limit + self->what->blocks * ring->block_bytes; ring->limit < end;)
        write_on(self, LARGE);
    while (ring->limit - ring->tail > self->what->room) {
        uint64_t words = (ring->limit - ring->tail - self->what->room) / 8;
        if (words < SCOPE_PREFIX_WORDS)
            return;
        write_on(self, words < LARGE + SCOPE_PREFIX_WORDS ? words : LARGE);
    }
}

int crash_summary(const char *of)
{
    printf("%s: %llu cases, killed before each of their steps: %llu kills, %d failures\n", of, (unsigned long long)cases,
           (unsigned long long)kills, check_failures);
    return CHECK_RESULT();
}

bool crash_thorough(int count, char **arguments)
{
    return count > 1 && strcmp(arguments[1], "--all") == 0;
}
