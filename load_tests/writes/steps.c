/* How many instructions one write takes, whatever the collector does: counted one by one, so no load of the machine changes it.
 *
 * The writer is stepped through the objects that ship. Beside it a collector reads and publishes, or stands still, or was
 * killed, or never was. Exits with 0 if for each kind of write the largest number is the same in all of these cases.
 *
 * The policy to block is not among them: there a writer waits, by the clock, which is what it is for.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "segments.h"
#include "step.h"

enum { WRITES = 440, RESUMED_AT = 400, WORDS = 24 };
/* What is left of a block may need a FILL or not; and the system's clock, which is read where a block is entered or an event is
 * refused for the first time, is read again if it moves meanwhile: single steps take long enough for that. */
enum { SLACK = 200 };
enum condition { HEALTHY, STOPPED, RESUMED, DEAD, ABSENT, CONDITIONS };
enum kind { WITHIN, ENTERING, REFUSED, LET_IN, KINDS };

static const char *const CONDITION[] = {"healthy", "stopped", "resumed", "dead", "absent"};
static const char *const POLICY[] = {"overwrite oldest", "discard newest"};

typedef struct {
    uint64_t times, least, most;
} range;

typedef struct {
    scope_segment segment;
    scope_ring ring;
    _Atomic int *inside; /* the writer is within a write */
    uint64_t steps, intent, refused, unheard; /* of the write under way, and as they were before it */
    range ranges[KINDS];
    uint64_t written;
    enum condition condition;
    pid_t collector; /* 0: none */
} counting;

__attribute__((noinline)) static bool write_one(scope_ring *ring, uint64_t value)
{
    return write_event(ring, SCOPE_MARK, 1, WORDS, value);
}

static void write_all(void *argument)
{
    counting *self = argument;
    for (uint64_t number = 0; number < WRITES; number++) {
        *self->inside = 1;
        write_one(&self->ring, number);
        *self->inside = 0;
    }
}

static void note(range *of, uint64_t steps)
{
    if (!of->times || steps < of->least)
        of->least = steps;
    if (steps > of->most)
        of->most = steps;
    of->times++;
}

/* What kind of write it was shows in the lane: a block entered, an event counted as lost. */
static enum kind kind_of_last(counting *self)
{
    scope_lane_control *lane = &self->segment.lanes[0];
    uint64_t intent = atomic_load(&lane->intent), refused = atomic_load(&lane->lost[SCOPE_LOST_FULL]);
    enum kind kind = refused != self->refused ? REFUSED : intent == self->intent ? WITHIN : self->unheard ? LET_IN : ENTERING;
    self->unheard = kind == REFUSED;
    self->intent = intent;
    self->refused = refused;
    return kind;
}

static void wait_for_head(counting *self, uint64_t beyond)
{
    while (atomic_load(&self->segment.lanes[0].head) <= beyond)
        usleep(100);
}

static void look(void *argument)
{
    counting *self = argument;
    if (*self->inside) {
        self->steps++;
        return;
    }
    if (!self->steps)
        return;
    note(&self->ranges[kind_of_last(self)], self->steps);
    self->steps = 0;
    if (++self->written == RESUMED_AT && self->condition == RESUMED) {
        uint64_t before = atomic_load(&self->segment.lanes[0].head);
        kill(self->collector, SIGCONT);
        wait_for_head(self, before);
    }
}

static void ignore(void *self)
{
    (void)self;
}

static void collect(scope_segment *segment)
{
    reading read = new_reading(segment);
    for (;;) {
        read_lane(&read, segment, 0);
        scope_lane_publish(segment, 0, read.readers[0].head);
        read.count = 0;
        usleep(100);
    }
}

/* The collector, as it is when the writer begins. */
static void begin_collector(counting *self)
{
    if (self->condition == ABSENT)
        return;
    self->collector = fork();
    if (self->collector == 0)
        collect(&self->segment);
    wait_for_head(self, 0);
    if (self->condition == STOPPED || self->condition == RESUMED)
        kill(self->collector, SIGSTOP);
    if (self->condition == DEAD)
        kill(self->collector, SIGKILL);
}

static void end_collector(const counting *self)
{
    if (!self->collector)
        return;
    kill(self->collector, SIGKILL);
    waitpid(self->collector, NULL, 0);
}

static uint64_t count(enum scope_policy policy, enum condition condition, range ranges[KINDS])
{
    static counting self;
    scope_segment_sizes sizes = sizes_with(policy);
    self = (counting){.condition = condition};
    self.segment = new_segment(&sizes);
    self.inside = mmap(NULL, SCOPE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (scope_lane_claim(&self.segment, &self.ring, 1, "writer", 6) != 0)
        abort();
    self.intent = atomic_load(&self.segment.lanes[0].intent);
    begin_collector(&self);
    step_run run = {.script = write_all, .look = look, .asked = ignore, .self = &self};
    uint64_t stepped = step_through(&run);
    end_collector(&self);
    scope_segment_close(&self.segment);
    memcpy(ranges, self.ranges, sizeof self.ranges);
    return stepped;
}

static void print_row(enum scope_policy policy, enum condition condition, const range ranges[KINDS])
{
    printf("%-17s %-9s", POLICY[policy], CONDITION[condition]);
    for (int kind = 0; kind < KINDS; kind++) {
        char cell[64] = "-";
        if (ranges[kind].times)
            snprintf(cell, sizeof cell, "%llu to %llu (%llu)", (unsigned long long)ranges[kind].least,
                     (unsigned long long)ranges[kind].most, (unsigned long long)ranges[kind].times);
        printf(" %20s", cell);
    }
    putchar('\n');
}

/* Whether the most that a kind of write took is the same in every condition in which it occurred. */
static bool is_same(range rows[CONDITIONS][KINDS], enum kind kind)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (int condition = 0; condition < CONDITIONS; condition++) {
        const range *of = &rows[condition][kind];
        if (!of->times)
            continue;
        least = of->most < least ? of->most : least;
        most = of->most > most ? of->most : most;
    }
    return most == 0 || most - least <= SLACK;
}

int main(void)
{
    bool same = true;
    uint64_t stepped = 0;
    if (!step_is_allowed()) {
        printf("not measured: this system does not let one process trace another (ptrace is refused)\n");
        return 77;
    }
    printf("Instructions of one write of %d words, least to most (times), while the collector is\n", WORDS);
    printf("%-17s %-9s %20s %20s %20s %20s\n", "policy", "collector", "within a block", "entering a block", "refused",
           "let in again");
    for (int policy = SCOPE_OVERWRITE_OLDEST; policy <= SCOPE_DISCARD_NEWEST; policy++) {
        range rows[CONDITIONS][KINDS];
        for (int condition = 0; condition < CONDITIONS; condition++) {
            stepped += count((enum scope_policy)policy, (enum condition)condition, rows[condition]);
            print_row((enum scope_policy)policy, (enum condition)condition, rows[condition]);
        }
        for (int kind = 0; kind < KINDS; kind++)
            same = same && is_same(rows, (enum kind)kind);
    }
    printf("%llu instructions stepped; %s\n", (unsigned long long)stepped,
           same ? "bounded, and the same whatever the collector does" : "A WRITER'S WORK DEPENDS ON THE COLLECTOR");
    return same ? 0 : 1;
}
