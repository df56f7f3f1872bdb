/* Single steps by ptrace. What is promised is told in step.h. */
#include "step.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    const step_run *run;
    pid_t processes[STEP_PROCESSES];
    int count; /* processes[0, count) have begun; those that ended are 0 */
    int turn;
    uint64_t stepped, marks;
} tracer;

bool step_is_allowed(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void die(const char *what)
{
    perror(what);
    abort();
}

/* Waits until `process` has stopped; its status. */
static int stopped(pid_t process)
{
    int status;
    while (waitpid(process, &status, __WALL) < 0)
        if (errno != EINTR)
            die("waitpid");
    return status;
}

static pid_t start(const step_run *run)
{
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        run->script(run->self);
        _exit(0);
    }
    stopped(child);
    if (ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL) < 0)
        die("PTRACE_SETOPTIONS");
    return child;
}

/* The process that is to be stepped next; -1 where all have ended. */
static int next_of(tracer *self)
{
    int last = self->count - 1;
    if (self->run->order == STEP_IN_TURN)
        self->turn = (self->turn + 1) % STEP_PROCESSES;
    else
        self->turn = self->run->order == STEP_CHILD_FIRST ? last : 0;
    for (int tries = 0; tries < STEP_PROCESSES; tries++) {
        int place = (self->turn + tries) % STEP_PROCESSES;
        if (place <= last && self->processes[place])
            return place;
    }
    return -1;
}

static void take_up_child(tracer *self, pid_t parent)
{
    unsigned long child;
    if (self->count == STEP_PROCESSES || ptrace(PTRACE_GETEVENTMSG, parent, NULL, &child) < 0)
        die("a second fork");
    stopped((pid_t)child);
    self->processes[self->count++] = (pid_t)child;
}

static int go_on(tracer *self, pid_t process)
{
    bool freely = self->marks < self->run->skip;
    if (freely ? ptrace(PTRACE_CONT, process, NULL, NULL) : ptrace(PTRACE_SINGLESTEP, process, NULL, NULL))
        die("ptrace");
    self->stepped += !freely;
    return stopped(process);
}

/* One instruction of the process at `place`; false once it has ended. */
static bool step(tracer *self, int place)
{
    pid_t process = self->processes[place];
    int status = go_on(self, process);
    if (!WIFSTOPPED(status)) {
        self->processes[place] = 0;
        return false;
    }
    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8))
        take_up_child(self, process);
    else if (WSTOPSIG(status) == SIGUSR1)
        self->run->asked(self->run->self);
    else if (WSTOPSIG(status) == SIGUSR2)
        self->marks++;
    else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGCHLD)
        fprintf(stderr, "signal %d at instruction %llu\n", WSTOPSIG(status), (unsigned long long)self->stepped), abort();
    return true;
}

static void kill_all(tracer *self)
{
    for (int place = 0; place < self->count; place++) {
        if (!self->processes[place])
            continue;
        kill(self->processes[place], SIGKILL);
        stopped(self->processes[place]);
        self->processes[place] = 0;
    }
}

/* Both sides on one processor: a step is then two switches, and nobody has to be woken elsewhere. */
static void stay_here(void)
{
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((unsigned)sched_getcpu(), &here);
    sched_setaffinity(0, sizeof here, &here);
}

uint64_t step_through(const step_run *run)
{
    tracer self = {.run = run, .count = 1};
    stay_here();
    self.processes[0] = start(run);
    for (int place; (place = next_of(&self)) >= 0;) {
        if (step(&self, place))
            run->look(run->self);
        if ((run->kill_after && self.stepped == run->kill_after) || (run->until && self.marks == run->until))
            kill_all(&self);
    }
    return self.stepped;
}
