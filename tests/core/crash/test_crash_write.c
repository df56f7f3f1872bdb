/* Writers killed before every store of a write: within a block, at its end, on a fresh lap and on a used one, refused. */
#include "crash.h"

enum { MOST_WORDS = BLOCK / 8 - SCOPE_BLOCK_OVERHEAD_WORDS, LAP = 5, WAIT_NS = 20000 };

static void prepare(stage *self)
{
    crash_begin(self);
    crash_fill(self);
}

/* The event, and another one: what stands behind one half written must be readable as well. */
static void write_two(stage *self)
{
    tell_write(self->of, &self->ring, self->what->words, refusal(self->what->sizes.policy));
    tell_write(self->of, &self->ring, SCOPE_PREFIX_WORDS, refusal(self->what->sizes.policy));
}

static void write_too_big(stage *self)
{
    tell_write(self->of, &self->ring, self->what->words, SCOPE_LOST_TOO_BIG);
    tell_write(self->of, &self->ring, SCOPE_PREFIX_WORDS, refusal(self->what->sizes.policy));
}

/* Into a block that no memory stands behind yet, nor will. */
static void write_without_disk(stage *self)
{
    crash_fill_disk();
    for (int turn = 0; turn < 3; turn++)
        tell_write(self->of, &self->ring, self->what->words, SCOPE_LOST_NO_SPACE);
}

/* As a signal handler does that comes between reserve and commit. */
static void write_within_a_write(stage *self)
{
    scope_ring *ring = &self->ring;
    uint64_t value = self->of->committed[0] + 1;
    scope_word *at = scope_ring_reserve(ring, SCOPE_PREFIX_WORDS);
    tell_write(self->of, ring, self->what->words, SCOPE_LOST_REENTRANT);
    self->of->begun++;
    scope_store_relaxed(at, scope_header(SCOPE_MARK, SCOPE_PREFIX_WORDS, ring->tail, 1));
    scope_store_relaxed(at + 1, value);
    scope_ring_commit(ring, SCOPE_PREFIX_WORDS);
    self->of->committed[0]++;
    self->of->ended++;
}

static void prepare_full(stage *self)
{
    crash_begin(self);
    self->segment.block_ns = WAIT_NS;
    while (tell_write(self->of, &self->ring, 900, refusal(self->what->sizes.policy)))
        ;
}

/* Refused twice; then there is room, so a GAP comes first. */
static void write_refused(stage *self)
{
    for (int turn = 0; turn < 4; turn++) {
        if (turn == 2)
            crash_free(self);
        tell_write(self->of, &self->ring, self->what->words, refusal(self->what->sizes.policy));
    }
}

static void sweep_room(enum scope_policy policy, uint64_t words, uint64_t room)
{
    for (uint64_t blocks = 0; blocks <= LAP; blocks += LAP) {
        crash_case what = {"write", sizes_with(policy), words, room, blocks, prepare, write_two, NULL, NULL};
        crash_sweep(&what);
    }
}

/* Every way in which the event can stand to the end of its block. */
static void sweep_words(enum scope_policy policy, uint64_t words, bool thorough)
{
    for (uint64_t room = 0; thorough && room <= (words + SCOPE_PREFIX_WORDS) * 8; room += 8)
        sweep_room(policy, words, room);
    const uint64_t few[] = {0, words * 8 - 8, words * 8, words * 8 + SCOPE_PREFIX_WORDS * 8};
    for (size_t index = 0; !thorough && index < sizeof few / sizeof few[0]; index++)
        sweep_room(policy, words, few[index]);
}

/* The block entered is the first one behind those that got their memory with the claim. */
static void sweep_memory(enum scope_policy policy)
{
    scope_segment_sizes sizes = sizes_with(policy);
    sizes.first_lane_bytes = 2 * SCOPE_BACKING_BYTES;
    uint64_t before = SCOPE_BACKING_BYTES / BLOCK - 1;
    for (uint64_t room = 0; room <= 64; room += 64) {
        crash_case more = {"more memory", sizes, 12, room, before, prepare, write_two, NULL, NULL};
        crash_sweep(&more);
        crash_case none = {"no more memory", sizes, 12, room, before, prepare, write_without_disk, NULL, NULL};
        crash_sweep(&none);
    }
}

static void sweep_policy(enum scope_policy policy, bool thorough)
{
    static const uint64_t few[] = {4, 5, 7, 40};
    for (size_t index = 0; !thorough && index < sizeof few / sizeof few[0]; index++)
        sweep_words(policy, few[index], false);
    for (uint64_t words = SCOPE_PREFIX_WORDS; thorough && words <= 40; words++)
        sweep_words(policy, words, true);
    static const uint64_t large[] = {255, 512, MOST_WORDS};
    for (size_t index = 0; thorough && index < sizeof large / sizeof large[0]; index++)
        sweep_words(policy, large[index], false);
    crash_case largest = {"largest", sizes_with(policy), MOST_WORDS, 64, 1, prepare, write_two, NULL, NULL};
    if (thorough || policy == SCOPE_OVERWRITE_OLDEST)
        crash_sweep(&largest);
    crash_case too_big = {"too big", sizes_with(policy), MOST_WORDS + 1, 64, 1, prepare, write_too_big, NULL, NULL};
    crash_sweep(&too_big);
    crash_case within = {"within a write", sizes_with(policy), 5, 64, 1, prepare, write_within_a_write, NULL, NULL};
    crash_sweep(&within);
}

int main(int count, char **arguments)
{
    bool thorough = crash_thorough(count, arguments);
    for (int policy = 0; policy < SCOPE_POLICIES; policy++) {
        sweep_policy((enum scope_policy)policy, thorough);
        sweep_memory((enum scope_policy)policy);
    }
    for (int policy = SCOPE_DISCARD_NEWEST; policy < SCOPE_POLICIES; policy++)
        for (uint64_t words = SCOPE_PREFIX_WORDS; words <= (thorough ? 72 : 12); words += thorough ? 1 : 4) {
            scope_segment_sizes sizes = sizes_with((enum scope_policy)policy);
            crash_case full = {"full", sizes, words, 0, 0, prepare_full, write_refused, NULL, NULL};
            crash_sweep(&full);
        }
    return crash_summary("crash at k, writes");
}
