/* Threads that claim and retire lanes, killed with their process before every store and system call of it. */
#include "crash.h"

static void claim(stage *self, const char *name)
{
    int got = scope_lane_claim(&self->segment, &self->ring, 2, name, strlen(name));
    CHECK(got == 0, "%d", got);
    tell_write(self->of, &self->ring, 6, SCOPE_LOST_FULL);
    tell_write(self->of, &self->ring, 4, SCOPE_LOST_FULL);
}

static void make(stage *self)
{
    if (scope_segment_create(&self->segment, self->path, &self->what->sizes) < 0)
        abort();
    self->of->made++;
}

static void claim_one(stage *self)
{
    claim(self, "MainThread");
}

static void claim_all(stage *self)
{
    claim(self, "");
    claim(self, "asyncio_0");
    claim(self, "a name of many more bytes than the forty-eight that are kept of it");
    CHECK(scope_lane_claim(&self->segment, &self->ring, 3, "", 0) == -1, "a fourth of three");
}

/* Filled until `room` bytes are left, so that the next owner's introduction fits, just fits, or enters a block. */
static void prepare_used(stage *self)
{
    crash_begin(self);
    crash_fill(self);
}

static void prepare_retired(stage *self)
{
    prepare_used(self);
    scope_lane_retire(&self->ring);
}

static void prepare_full(stage *self)
{
    crash_begin(self);
    self->segment.block_ns = 0;
    while (tell_write(self->of, &self->ring, 900, refusal(self->what->sizes.policy)))
        ;
}

static void retire(stage *self)
{
    tell_write(self->of, &self->ring, 4, SCOPE_LOST_FULL);
    scope_lane_retire(&self->ring);
}

/* One thread after another in the same lane. */
static void churn(stage *self)
{
    for (int turn = 0; turn < 4; turn++) {
        claim(self, "pool");
        CHECK(self->ring.lane == 0, "lane %u", self->ring.lane);
        scope_lane_retire(&self->ring);
    }
}

/* The next owner of a full lane introduces itself when there is room. */
static void take_over_a_full_lane(stage *self)
{
    scope_lane_retire(&self->ring);
    CHECK(scope_lane_claim(&self->segment, &self->ring, 2, "late", 4) == 0, "claim");
    tell_write(self->of, &self->ring, 4, refusal(self->what->sizes.policy));
    crash_free(self);
    tell_write(self->of, &self->ring, 4, refusal(self->what->sizes.policy));
    tell_write(self->of, &self->ring, 4, refusal(self->what->sizes.policy));
}

static void claim_without_disk(stage *self)
{
    crash_fill_disk();
    for (int turn = 0; turn < 2; turn++)
        CHECK(scope_lane_claim(&self->segment, &self->ring, 2, "", 0) == -2, "claimed");
}

static void sweep_policy(enum scope_policy policy, uint64_t step)
{
    scope_segment_sizes sizes = sizes_with(policy);
    crash_case cases[] = {
        {"the first claim", sizes, 0, 0, 0, make, claim_one, NULL, NULL},
        {"claims until there is none", sizes, 0, 0, 0, make, claim_all, NULL, NULL},
        {"a claim without disk", sizes, 0, 64, 0, prepare_used, claim_without_disk, NULL, NULL},
    };
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++)
        crash_sweep(&cases[index]);
    for (uint64_t blocks = 0; blocks <= 5; blocks += 5)
        for (uint64_t room = 0; room <= 160; room += step) {
            crash_case retiring = {"retire", sizes, 0, room, blocks, prepare_used, retire, NULL, NULL};
            crash_sweep(&retiring);
            crash_case churning = {"claims of a retired lane", sizes, 0, room, blocks, prepare_retired, churn, NULL, NULL};
            crash_sweep(&churning);
        }
}

int main(int count, char **arguments)
{
    bool thorough = crash_thorough(count, arguments);
    for (int policy = 0; policy < SCOPE_POLICIES; policy++)
        sweep_policy((enum scope_policy)policy, thorough ? 8 : 40);
    for (int policy = SCOPE_DISCARD_NEWEST; policy < SCOPE_POLICIES; policy++) {
        scope_segment_sizes sizes = sizes_with((enum scope_policy)policy);
        crash_case full = {"a full lane", sizes, 0, 0, 0, prepare_full, take_over_a_full_lane, NULL, NULL};
        crash_sweep(&full);
    }
    return crash_summary("crash at k, lanes");
}
