/* Whether a process lives: only a proven death counts. */
#include "identity.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* A child that tells its identity and then waits to be killed. */
static pid_t child_with(scope_identity *identity, const char *name)
{
    int ends[2];
    CHECK(pipe(ends) == 0, "%s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NAME, name);
        scope_identity self;
        if (scope_identity_self(&self) < 0 || write(ends[1], &self, sizeof self) != sizeof self)
            _exit(1);
        pause();
        _exit(0);
    }
    CHECK(read(ends[0], identity, sizeof *identity) == sizeof *identity, "the child said nothing");
    close(ends[0]);
    close(ends[1]);
    return child;
}

static void this_process_lives(void)
{
    scope_identity self;
    CHECK(scope_identity_self(&self) == 0, "%s", strerror(errno));
    CHECK(self.pid == (uint64_t)getpid() && self.start_ticks > 0 && self.pid_namespace > 0, "%llu started at %llu",
          (unsigned long long)self.pid, (unsigned long long)self.start_ticks);
    CHECK(scope_identity_alive(&self), "it is dead");
}

static void any_name_of_a_process_is_read_past(const char *name)
{
    scope_identity child;
    pid_t pid = child_with(&child, name);
    CHECK(child.pid == (uint64_t)pid && scope_identity_alive(&child), "\"%s\" is dead", name);
    kill(pid, SIGSTOP);
    CHECK(scope_identity_alive(&child), "\"%s\" is stopped, not dead", name);
    kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    CHECK(!scope_identity_alive(&child), "the zombie of \"%s\" lives", name);
    waitpid(pid, NULL, 0);
    CHECK(!scope_identity_alive(&child), "\"%s\" lives", name);
}

static void one_of_another_time_is_dead_and_one_elsewhere_unproven(void)
{
    scope_identity self, other;
    CHECK(scope_identity_self(&self) == 0, "%s", strerror(errno));
    other = self;
    other.start_ticks++;
    CHECK(!scope_identity_alive(&other), "the pid was given again");
    other = self;
    other.boot_id[3] ^= 1;
    CHECK(!scope_identity_alive(&other), "from before a reboot");
    other = self;
    other.pid_namespace++;
    other.pid = UINT64_C(1) << 40;
    CHECK(scope_identity_alive(&other), "nothing can be known of another namespace");
    other = self;
    other.pid = UINT64_C(1) << 40;
    CHECK(!scope_identity_alive(&other), "no such pid");
}

int main(void)
{
    this_process_lives();
    any_name_of_a_process_is_read_past("plain");
    any_name_of_a_process_is_read_past("a) Z 1 2 (b");
    any_name_of_a_process_is_read_past(") ) ) )");
    any_name_of_a_process_is_read_past("");
    one_of_another_time_is_dead_and_one_elsewhere_unproven();
    return CHECK_RESULT();
}
