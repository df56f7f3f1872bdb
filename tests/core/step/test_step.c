/* What a kill -9 after any single instruction of the core would leave: every one of them is tried.
 *
 * The survivor works on a copy of the segment, made whenever an instruction has changed it. A sample of the instructions is
 * followed by a real kill.
 */
#include "snapshot.h"
#include "step.h"

#include <signal.h>

#include "survivor.h"

static const scope_segment_sizes TINY = {
    .lanes = 2,
    .block_bytes = BLOCK,
    .first_lane_bytes = 2 * BLOCK,
    .lane_bytes = 2 * BLOCK,
    .definitions_bytes = SCOPE_PAGE,
};

/* One process: its segment, and what it told. */
typedef struct {
    snapshot segment;
    told *of;
    told told_then; /* as of the last look */
} watched;

enum { MARKS = 24 }; /* writes in the shortest of the scripts */

typedef struct {
    scope_segment_sizes sizes;
    watched parent, child;
    scope_segment segment; /* the tracee's own from here on */
    scope_ring ring;
    uint64_t states;
} sweep;

/* ---- the survivor ---- */

static void look_at(sweep *self, watched *one)
{
    if (!snapshot_is_there(&one->segment)) {
        CHECK(!one->of->made, "%s was made, and is not there", one->segment.path);
        return;
    }
    bool told_more = memcmp(&one->told_then, one->of, sizeof(told)) != 0;
    if (!snapshot_take(&one->segment) && !told_more)
        return;
    memcpy(&one->told_then, one->of, sizeof(told));
    self->states++;
    survive(&one->segment.copy, one->of);
}

static void look(void *argument)
{
    sweep *self = argument;
    if (check_failures)
        return;
    look_at(self, &self->parent);
    look_at(self, &self->child);
    if (check_failures)
        fprintf(stderr, "policy %d, after %llu states\n", self->sizes.policy, (unsigned long long)self->states);
}

/* In the place of a collector that has stored everything of the first lane. */
static void store_all(void *argument)
{
    sweep *self = argument;
    if (!self->parent.segment.live.base)
        return;
    scope_lane_control *lane = &self->parent.segment.live.lanes[0];
    self->parent.of->stored[0] = self->parent.of->committed[0];
    atomic_store(&lane->head, atomic_load(&lane->tail));
}

static void forget(watched *one)
{
    snapshot_forget(&one->segment);
    memset(one->of, 0, sizeof *one->of);
}

/* ---- the script, in the tracee ---- */

static void begin(sweep *self, watched *one)
{
    if (scope_segment_create(&self->segment, one->segment.path, &self->sizes) < 0)
        abort();
    one->of->made++;
    tell_define(one->of, &self->segment);
    if (scope_lane_claim(&self->segment, &self->ring, 1, "main", 4) != 0)
        abort();
}

/* Where a run that is to be killed may begin to be stepped. */
static bool put_event(sweep *self, watched *one, uint64_t words, enum scope_loss reason)
{
    raise(SIGUSR2);
    return tell_write(one->of, &self->ring, words, reason);
}

/* Records of growing length over three laps of the lane, so that every kind of block is entered. */
static void write_laps(sweep *self, watched *one)
{
    static const uint64_t lengths[] = {4, 5, 12, 37, 300, 1500};
    for (int count = 0; count < 12; count++) {
        if (self->sizes.policy != SCOPE_OVERWRITE_OLDEST && count % 3 == 2)
            raise(SIGUSR1);
        put_event(self, one, lengths[count % 6], refusal(self->sizes.policy));
    }
    put_event(self, one, BLOCK, SCOPE_LOST_TOO_BIG);
    /* a block filled to its last word, so that a survivor has reason to read the block that is overwritten next */
    put_event(self, one, (self->ring.limit - self->ring.tail) / 8, refusal(self->sizes.policy));
    put_event(self, one, 4, refusal(self->sizes.policy));
}

/* Until it is refused, and let in again with a GAP; an overwriting writer never is. */
static void write_until_full(sweep *self, watched *one)
{
    if (self->sizes.policy == SCOPE_OVERWRITE_OLDEST)
        return;
    self->segment.block_ns = 1;
    while (put_event(self, one, 1000, refusal(self->sizes.policy)))
        ;
    put_event(self, one, 4, refusal(self->sizes.policy));
    raise(SIGUSR1);
    put_event(self, one, 4, refusal(self->sizes.policy));
}

static void change_hands(sweep *self, watched *one)
{
    scope_lane_retire(&self->ring);
    if (scope_lane_claim(&self->segment, &self->ring, 2, "next", 4) != 0)
        abort();
    put_event(self, one, 4, refusal(self->sizes.policy));
    if (scope_lane_claim(&self->segment, &self->ring, 3, "pool_1", 6) != 0)
        abort();
    put_event(self, one, 6, refusal(self->sizes.policy));
}

/* As in a forked child: the inherited mapping is dropped, its own made. */
static void be_a_child(sweep *self)
{
    scope_segment_close(&self->segment);
    begin(self, &self->child);
    put_event(self, &self->child, 6, refusal(self->sizes.policy));
    put_event(self, &self->child, 9, refusal(self->sizes.policy));
    scope_lane_retire(&self->ring);
    _exit(0);
}

static void live(void *argument)
{
    sweep *self = argument;
    begin(self, &self->parent);
    write_laps(self, &self->parent);
    write_until_full(self, &self->parent);
    change_hands(self, &self->parent);
    while (tell_define(self->parent.of, &self->segment) && self->parent.of->defined < 6)
        ;
    if (fork() == 0)
        be_a_child(self);
    for (int count = 0; count < 4; count++)
        put_event(self, &self->parent, 8, refusal(self->sizes.policy));
}

/* ---- sweeps ---- */

static uint64_t stepped, kills;

static void look_at_the_dead(watched *one)
{
    const char *fault = NULL;
    scope_segment left;
    if (!one->of->made && access(one->segment.path, F_OK) < 0)
        return;
    CHECK(scope_segment_open(&left, one->segment.path, &fault) == 0, "%s: %s", one->segment.path, fault ? fault : strerror(errno));
    CHECK(owner_is_dead(&left), "its owner seems to live");
    survive(&left, one->of);
    scope_segment_close(&left);
}

static uint64_t run(sweep *self, enum step_order order, uint64_t skip, uint64_t kill_after)
{
    step_run stepping = {live, look, store_all, self, order, skip, 0, kill_after};
    forget(&self->parent);
    forget(&self->child);
    uint64_t count = step_through(&stepping);
    look_at_the_dead(&self->parent);
    look_at_the_dead(&self->child);
    return count;
}

/* Real kills, up to a few hundred instructions after the beginning of each write. */
static void kill_at_a_sample(sweep *self, enum step_order order, int samples)
{
    static uint64_t state = 1;
    for (uint64_t skip = 0; skip < MARKS; skip++)
        for (int sample = 0; sample < samples && !check_failures; sample++, kills++)
            run(self, order, skip, 1 + random_number(&state) % (sample % 2 ? 3000 : 200));
}

static void sweep_policy(sweep *self, enum scope_policy policy, enum step_order order, int samples)
{
    self->sizes = TINY;
    self->sizes.policy = policy;
    stepped += run(self, order, 0, 0);
    kill_at_a_sample(self, order, samples);
}

int main(int count, char **arguments)
{
    bool thorough = count > 1 && strcmp(arguments[1], "--all") == 0;
    static sweep self;
    if (!step_is_allowed()) {
        printf("step: NOT TESTED: this system does not let one process trace another (ptrace is refused)\n");
        return 77;
    }
    self.parent.of = new_told();
    self.child.of = new_told();
    strcpy(self.parent.segment.path, test_path("parent.seg"));
    strcpy(self.child.segment.path, test_path("child.seg"));
    for (int policy = 0; policy < SCOPE_POLICIES; policy++)
        for (int order = STEP_CHILD_FIRST; order <= STEP_IN_TURN; order++) {
            if (!thorough && order != policy)
                continue;
            sweep_policy(&self, (enum scope_policy)policy, (enum step_order)order, thorough ? 50 : 1);
        }
    forget(&self.parent);
    forget(&self.child);
    printf("step: %llu instructions, %llu different states of memory, %llu kills, %d failures\n",
           (unsigned long long)stepped, (unsigned long long)self.states, (unsigned long long)kills, check_failures);
    return CHECK_RESULT();
}
