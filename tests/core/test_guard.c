/* A file that is cut while it is read ends the guarded block, and nothing else. */
#include "guard.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "segments.h"

static uint8_t *mapped;
static int file;

static void map_file(void)
{
    FILE *made = tmpfile();
    CHECK(made != NULL, "%s", strerror(errno));
    file = dup(fileno(made));
    fclose(made);
    CHECK(ftruncate(file, SCOPE_PAGE) == 0, "%s", strerror(errno));
    mapped = mmap(NULL, SCOPE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(mapped != MAP_FAILED, "%s", strerror(errno));
}

static void set_file_length(long length)
{
    CHECK(ftruncate(file, length) == 0, "%s", strerror(errno));
}

/* Whether reading was guarded to its end. */
static bool read_guarded(void)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    (void)*(volatile uint8_t *)mapped;
    scope_guard_leave(&guard);
    return true;
}

static void a_cut_file_ends_the_block_as_often_as_it_is_read(void)
{
    for (int turn = 0; turn < 5; turn++) {
        set_file_length(SCOPE_PAGE);
        CHECK(read_guarded(), "a whole file");
        set_file_length(0);
        CHECK(!read_guarded(), "a file that is cut");
    }
}

static void an_inner_block_ends_alone(void)
{
    scope_guard outer;
    volatile bool went_on = false;
    set_file_length(0);
    CHECK(scope_guard_enter(&outer), "the outer one");
    CHECK(!read_guarded(), "the inner one");
    went_on = true;
    scope_guard_leave(&outer);
    CHECK(went_on, "the outer one ended, too");
}

/* How a child ends that does `work`. */
static int end_of(void (*work)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(10);
        work();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return status;
}

static void read_unguarded(void)
{
    (void)*(volatile uint8_t *)mapped;
}

static void send_signal(void)
{
    scope_guard guard;
    if (scope_guard_enter(&guard))
        raise(SIGBUS);
    scope_guard_leave(&guard);
}

static void on_bus(int number)
{
    (void)number;
    _exit(42);
}

static void outside_a_block_the_signal_goes_where_it_went_before(void)
{
    set_file_length(0);
    int status = end_of(read_unguarded);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42, "unguarded: %x", status);
    status = end_of(send_signal);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42, "sent by somebody: %x", status);
}

int main(void)
{
    signal(SIGBUS, on_bus);
    CHECK(scope_guard_install() == 0 && scope_guard_install() == 0, "%s", strerror(errno));
    map_file();
    a_cut_file_ends_the_block_as_often_as_it_is_read();
    an_inner_block_ends_alone();
    outside_a_block_the_signal_goes_where_it_went_before();
    return CHECK_RESULT();
}
