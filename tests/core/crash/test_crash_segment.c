/* Processes killed while they make their segment, define names, or fork. */
#include "crash.h"

#include <errno.h>
#include <signal.h>

static void make(stage *self)
{
    if (scope_segment_create(&self->segment, self->path, &self->what->sizes) < 0)
        abort();
    self->of->made++;
}

/* A whole short life. */
static void make_and_write(stage *self)
{
    make(self);
    for (int count = 0; count < 3; count++)
        tell_define(self->of, &self->segment);
    CHECK(scope_lane_claim(&self->segment, &self->ring, 1, "main", 4) == 0, "no lane");
    for (int count = 0; count < 3; count++)
        tell_write(self->of, &self->ring, 4, SCOPE_LOST_FULL);
}

/* The place is free for another process's segment. */
static void take_the_place(const char *path)
{
    scope_segment next;
    CHECK(scope_segment_create(&next, path, &SMALL) == 0, "%s: %s", path, strerror(errno));
    scope_segment_close(&next);
    unlink(path);
}

/* A segment is there and whole, or no file is there. */
static void look_for_a_segment(stage *self)
{
    if (self->of->made || access(self->path, F_OK) == 0)
        crash_look(self);
    take_the_place(self->path);
}

static void make_by_name_and_write(stage *self)
{
    crash_name_files();
    make_and_write(self);
}

/* A file that is not ready is refused for what it is; nobody takes it for a segment. */
static void look_for_a_file(stage *self)
{
    const char *fault = NULL;
    scope_segment segment;
    int opened = scope_segment_open(&segment, self->path, &fault);
    CHECK(opened != -1 || (errno == ENOENT && !self->of->made), "%s", strerror(errno));
    CHECK(opened != -2 || !self->of->made, "%s", fault);
    if (opened == 0) {
        scope_segment_close(&segment);
        crash_look(self);
    }
    unlink(self->path);
    take_the_place(self->path);
}

static void define_until_full(stage *self)
{
    while (tell_define(self->of, &self->segment) || self->of->undefined < 2)
        ;
}

static void define_some(stage *self)
{
    for (int count = 0; count < 4; count++)
        tell_define(self->of, &self->segment);
}

static void prepare_defined(stage *self)
{
    make(self);
    for (uint64_t count = 0; count < self->what->words; count++)
        tell_define(self->of, &self->segment);
}

static void define_without_disk(stage *self)
{
    crash_fill_disk();
    define_some(self);
}

/* ---- fork: the child drops the mapping that it inherits and makes a segment of its own ---- */

static void prepare_to_fork(stage *self)
{
    crash_begin(self);
    tell_write(self->of, &self->ring, 5, SCOPE_LOST_FULL);
    tell_define(self->of, &self->segment);
}

static void be_a_child(stage *self)
{
    scope_segment_close(&self->segment);
    if (scope_segment_create(&self->segment, self->other_path, &self->what->sizes) < 0)
        abort();
    self->other->made++;
    CHECK(scope_lane_claim(&self->segment, &self->ring, 9, "child", 5) == 0, "no lane");
    tell_define(self->other, &self->segment);
    for (int count = 0; count < 3; count++)
        tell_write(self->other, &self->ring, 7, SCOPE_LOST_FULL);
}

/* Both count their own steps from the fork on, so at step k both are killed. */
static void fork_a_child(stage *self)
{
    tell_write(self->of, &self->ring, 4, SCOPE_LOST_FULL);
    pid_t child = fork();
    if (child == 0) {
        be_a_child(self);
        _exit(check_failures != 0);
    }
    self->durable[0] = (uint64_t)child;
    for (int count = 0; count < 3; count++)
        tell_write(self->of, &self->ring, 6, SCOPE_LOST_FULL);
    tell_define(self->of, &self->segment);
}

static void look_at_both(stage *self)
{
    /* the child of one that was killed comes to this process */
    if (self->durable[0])
        waitpid((pid_t)self->durable[0], NULL, 0);
    crash_look(self);
    if (self->other->made || access(self->other_path, F_OK) == 0)
        crash_look_at(self->other_path, self->other);
    take_the_place(self->other_path);
}

static void sweep_definitions(bool thorough)
{
    scope_segment_sizes large = SMALL;
    large.definitions_bytes = 8 * SCOPE_PAGE;
    crash_case whole = {"definitions until full", SMALL, 0, 0, 0, make, define_until_full, NULL, NULL};
    crash_sweep(&whole);
    crash_case refused = {"definitions without disk", large, 0, 0, 0, make, define_without_disk, NULL, NULL};
    crash_sweep(&refused);
    /* some of these need further pages */
    for (uint64_t before = thorough ? 0 : 145; before < (thorough ? 290 : 160); before += 5) {
        crash_case some = {"definitions", large, before, 0, 0, prepare_defined, define_some, NULL, NULL};
        crash_sweep(&some);
    }
}

int main(int count, char **arguments)
{
    for (int policy = 0; policy < SCOPE_POLICIES; policy++) {
        scope_segment_sizes sizes = sizes_with((enum scope_policy)policy);
        crash_case making = {"a segment is made", sizes, 0, 0, 0, NULL, make_and_write, look_for_a_segment, NULL};
        crash_sweep(&making);
        crash_case naming = {"a file is made", sizes, 0, 0, 0, NULL, make_by_name_and_write, look_for_a_file, NULL};
        crash_sweep(&naming);
        crash_case forking = {"fork", sizes, 0, 0, 0, prepare_to_fork, fork_a_child, look_at_both, NULL};
        crash_sweep(&forking);
    }
    sweep_definitions(crash_thorough(count, arguments));
    return crash_summary("crash at k, segments");
}
