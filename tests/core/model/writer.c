/* A thread of the traced process: claims a lane, writes what its script says, retires. */
#include <string.h>

#include "world.h"

/* As the probes do: reserve, store the words, commit. Every word tells which event it is of. */
static void store_event(world_writer *self, unsigned actor, scope_word *at, uint64_t words, uint64_t site)
{
    const world_ghost *ghost = world_ghost_of(model_now());
    uint32_t lane = self->ring.lane;
    uint64_t number = model_observe(ghost->committed[lane]), refused = model_observe(ghost->refused[lane]);
    uint64_t own = refused != model_observe(ghost->refused_before[lane]);
    uint64_t key = lane + 1;
    scope_store_relaxed(at, scope_header(SCOPE_MARK, words, self->ring.tail, key));
    scope_store_relaxed(at + 1, world_payload(lane, number, 1));
    scope_store_relaxed(at + 2, key | site << 32);
    scope_store_relaxed(at + 3, refused | own << WORLD_OWN_REFUSALS | (uint64_t)world_thread(actor) << 32);
    for (uint64_t word = SCOPE_PREFIX_WORDS; word < words; word++)
        scope_store_relaxed(at + word, world_payload(lane, number, word));
}

static void write_event(world_writer *self, unsigned actor, uint64_t words, uint64_t site, bool interrupted)
{
    scope_word *at = scope_ring_reserve(&self->ring, words);
    if (!at) {
        world_ghost_of(model_now())->refused[self->ring.lane] += words <= scope_ring_words_max(&self->ring);
        return;
    }
    if (interrupted && scope_ring_reserve(&self->ring, SCOPE_PREFIX_WORDS))
        model_violated("reentrant", "a lane is reserved twice");
    store_event(self, actor, at, words, site);
    self->committing = true;
    scope_ring_commit(&self->ring, words);
    self->committing = false;
}

unsigned world_longest_write;

/* Neither what the others do nor what the lane holds makes a write longer. Only waiting does: a round, each time that the
 * collector tells of news. */
static void check_length(void)
{
    unsigned most = WORLD_WRITE_MOST + (world_may_wait() ? WORLD_ROUNDS * WORLD_ROUND : 0);
    if (model_accesses() > world_longest_write)
        world_longest_write = model_accesses();
    if (model_accesses() > most)
        model_violated("bounded", "a write makes %u accesses", model_accesses());
}

static void claim(world_writer *self, unsigned actor)
{
    int claimed = scope_lane_claim(&world_segment, &self->ring, world_thread(actor), "w", 1);
    world_ghost *ghost = world_ghost_of(model_now());
    self->owns = claimed == 0;
    if (self->owns)
        ghost->refused_before[self->ring.lane] = ghost->refused[self->ring.lane];
    else
        self->ring = (scope_ring){0};
}

static void define(world_writer *self)
{
    world_ghost *ghost = world_ghost_of(model_now());
    uint64_t payload = world_definition(model_observe(ghost->sites) + 1);
    uint32_t number = scope_define(&world_segment, SCOPE_DEFINE_NAME, (const uint8_t *)&payload, sizeof payload);
    if (number)
        self->site = number;
}

static void take_site(world_writer *self)
{
    bool hope = false;
    self->site = scope_load_acquire(world_hand());
    for (unsigned actor = 1; actor <= world_writers(); actor++)
        hope |= world_running->writers[actor - 1][0] && model_now()->actors[actor].phase < MODEL_ENDED
                && strchr(world_running->writers[actor - 1], 'G');
    if (!self->site && !hope)
        model_end();
    model_await(self->site != 0);
}

static void retire(world_writer *self)
{
    scope_lane_retire(&self->ring);
    self->ring = (scope_ring){0};
    self->owns = false;
}

static void obey(world_writer *self, unsigned actor, char letter)
{
    switch (letter) {
    case 'w':
        write_event(self, actor, SCOPE_PREFIX_WORDS, 0, false);
        break;
    case 'W':
        write_event(self, actor, WORLD_LONG_WORDS, 0, false);
        break;
    case 'B':
        write_event(self, actor, WORLD_BLOCK_BYTES / 8, 0, false);
        break;
    case 'R':
        write_event(self, actor, SCOPE_PREFIX_WORDS, 0, true);
        break;
    case 'u':
        write_event(self, actor, SCOPE_PREFIX_WORDS, self->site, false);
        break;
    default:
        retire(self);
    }
}

void world_write(unsigned actor, void *data)
{
    world_writer *self = data;
    char letter = world_running->writers[actor - 1][self->at];
    if (!letter)
        model_end();
    self->at++;
    if (letter == 'c')
        claim(self, actor);
    else if (letter == 'D')
        define(self);
    else if (letter == 'G')
        scope_store_release(world_hand(), self->site);
    else if (letter == 'T')
        take_site(self);
    else if (self->owns)
        obey(self, actor, letter);
    check_length();
}
