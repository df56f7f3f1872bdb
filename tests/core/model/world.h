/* The world that the core's source is run in here: a small segment, writers, a collector, and what the checks know of them.
 *
 * Actor 0 is the collector. The others are threads of one traced process; each follows a script, a letter an operation:
 * c claims a lane, w writes an event of 4 words, W of 10 (two to a block), B one that no block takes, R one during which
 * another is tried, r retires the lane, D defines a site, u writes an event that names the last site known, G hands that
 * site to another thread, T waits for one so handed. Without a lane a thread skips what needs one.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "explorer.h"
#include "reader.h"
#include "ring.h"
#include "segment.h"

enum {
    WORLD_LANES = 2,
    WORLD_WRITERS = 3,
    WORLD_BLOCK_BYTES = 256,
    WORLD_LANE_BYTES = 2 * WORLD_BLOCK_BYTES,
    WORLD_DEFINITIONS_BYTES = 32, /* two entries */
    WORLD_LONG_WORDS = 10,
    WORLD_WRITE_MOST = 36, /* accesses of a write: room, a block's entry, LANE, a GAP, an event of 10 words, and its checks */
    WORLD_ROUND = 4, /* of a writer that waits: futex, fence, head, control */
    WORLD_ROUNDS = 12,
    WORLD_OWN_REFUSALS = 31, /* the bit of an event's fourth word that says that its thread had been refused others */
};

typedef struct {
    const char *name;
    enum scope_policy policy;
    uint32_t lanes;
    const char *writers[WORLD_WRITERS];
    uint8_t passes; /* of the collector, while the writers run; one more follows when they have ended */
    uint8_t restarts; /* how often the collector may die, anywhere, to go on from what it stored */
    bool crashes; /* the traced process may die, anywhere */
    bool disk_may_fill; /* the kernel may refuse pages for a lane */
    bool steered; /* after its first pass the collector changes the policy */
    enum scope_policy steered_to;
    bool early; /* the store of head may be made as early as the language lets it */
} world_scenario;

typedef struct {
    scope_ring ring;
    uint64_t site;
    uint8_t at; /* in the script */
    bool owns;
    bool committing; /* the next store of tail commits an event */
} world_writer;

/* What a collector knows of a lane; the reader is the core's. */
typedef struct {
    scope_lane_reader reader;
    uint64_t taken; /* events handed over or told lost */
    uint64_t refused; /* events told lost for want of room */
    uint64_t owed; /* to be told of when the pass is over: what was refused to former owners has no GAP */
    uint64_t thread; /* whose events follow; 0: not known since events were lost */
} world_lane;

typedef struct {
    world_lane lanes[WORLD_LANES];
    uint64_t definitions_at;
    uint64_t sites; /* defined, as far as read */
    uint64_t named; /* the last site that an event named */
} world_position;

enum world_phase { WORLD_PROMISE, WORLD_READ, WORLD_DEFINE, WORLD_STORE, WORLD_PUBLISH, WORLD_STEER, WORLD_AWAIT, WORLD_FINISH };

typedef struct {
    world_position now, stored; /* in memory; on disk */
    uint8_t phase, lane, passes;
    bool last; /* this pass is the one after the writers' end */
    bool wronged; /* a check failed in a run whose promise is not kept yet */
} world_collector;

/* What the checks remember. */
typedef struct {
    uint64_t committed[WORLD_LANES]; /* events, by the stores of tail */
    uint64_t refused[WORLD_LANES]; /* events, for want of room, as their writers were told */
    uint64_t refused_before[WORLD_LANES]; /* of them, those that were refused to former owners */
    uint64_t sites;
    uint8_t restarts;
    bool cut_short[WORLD_LANES]; /* the collector died while it published this lane's head */
    uint64_t promised; /* the head that was stored early; 0: none */
    uint8_t crashed; /* threads of the traced process that died */
} world_ghost;

extern const world_scenario *world_running;
extern scope_segment world_segment;
/* By which threads hand a site on. */
scope_word *world_hand(void);

static inline world_ghost *world_ghost_of(model_state *state)
{
    return (world_ghost *)state->ghost;
}

static inline const world_writer *world_writer_of(const model_state *state, unsigned actor)
{
    return (const world_writer *)state->actors[actor].data;
}

/* Lays out the segment for the scenario, and every actor's beginning. */
void world_begin(model_state *state);

unsigned world_writers(void);

/* Whether a writer may ever wait for room. */
bool world_may_wait(void);

/* The most accesses that an operation of a writer made. */
extern unsigned world_longest_write;

void world_name(unsigned location, char *text, size_t size);

/* A thread's id, as lanes tell it. */
static inline uint32_t world_thread(unsigned actor)
{
    return 70 + actor;
}

/* What word `index` of event `number` of a lane holds, after the prefix. */
static inline uint64_t world_payload(uint32_t lane, uint64_t number, uint64_t index)
{
    return (number + 1) << 16 | lane << 8 | index;
}

/* What defines site `number`. */
static inline uint64_t world_definition(uint64_t number)
{
    return 0xDEF000 + number;
}

void world_write(unsigned actor, void *data); /* a writer's next operation */
void world_collect(unsigned actor, void *data); /* the collector's */

/* Whether nobody but the actor stores to `location` now: the words of its lane, or the collector's own. */
bool world_owns(unsigned actor, const void *data, unsigned location);

/* The checks: on each store, in quiet, at the end. */
enum model_promise world_promised(unsigned actor, unsigned location, uint64_t value, enum model_order order);
void world_stored(unsigned actor, const void *data, unsigned location, unsigned index, uint64_t value);
void world_quiet(const model_state *state);
void world_ended(const model_state *state);

#endif
