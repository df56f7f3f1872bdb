/* Memory as C11 lets threads see it, in the small: a machine of views.
 *
 * Each location keeps the list of its messages (the values stored to it) in modification order. An actor's view says, per
 * location, the oldest message that it may still read; reading a newer one moves the view on, and so does what comes with a
 * message that was released. So a relaxed load has as many outcomes as there are messages in reach, and a missing fence is
 * an outcome that the search meets, on any host.
 *
 * An actor has three views: what it sees now; what it will see after an acquire fence (`read`: that, and what came with all
 * it ever loaded relaxed); what it had seen at its last release fence (`fenced`), which goes along with its relaxed stores.
 * Full fences meet in one view, `full`, that each joins and takes over.
 *
 * This is RC11 without non-atomic accesses: an execution is built in an order that agrees with program order and reads-from.
 * So no load reads from a store that depends on it or that comes after it (load buffering); docs/design/memory-model.md
 * says why that is enough here.
 *
 * A message that no living actor can read any more is dropped, and views are counted from the oldest one kept: states that
 * nobody can tell apart are equal.
 */
#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_ACTORS = 5, MODEL_LOCATIONS = 192, MODEL_MESSAGES = 700, MODEL_VIEWS = 128 };

/* Per location the index of a message in its list. */
typedef struct {
    uint8_t at[MODEL_LOCATIONS];
} model_view;

typedef struct {
    uint64_t value;
    uint8_t view; /* what comes with it: index of a view in the pool; 0 is nothing */
    bool glued; /* stored by a read-modify-write that read its predecessor: nothing comes in between */
} model_message;

typedef struct {
    model_view seen, read, fenced;
} model_sight;

typedef struct {
    uint16_t locations;
    uint16_t views;
    uint16_t first[MODEL_LOCATIONS + 1]; /* where a location's messages begin; the last one: how many there are in all */
    model_message messages[MODEL_MESSAGES];
    model_view pool[MODEL_VIEWS];
    model_view full;
    model_sight sights[MODEL_ACTORS];
} model_memory;

enum model_order { MODEL_RELAXED, MODEL_ACQUIRE, MODEL_RELEASE };

/* `locations` words that hold zero, which everybody has seen. */
void memory_reset(model_memory *memory, unsigned locations);

static inline unsigned memory_count(const model_memory *memory, unsigned location)
{
    return memory->first[location + 1] - memory->first[location];
}

static inline const model_message *memory_message(const model_memory *memory, unsigned location, unsigned index)
{
    return &memory->messages[memory->first[location] + index];
}

static inline uint64_t memory_latest(const model_memory *memory, unsigned location)
{
    return memory->messages[memory->first[location + 1] - 1].value;
}

/* What comes with message `index`. */
static inline const model_view *memory_view(const model_memory *memory, unsigned location, unsigned index)
{
    return &memory->pool[memory_message(memory, location, index)->view];
}

/* The oldest message that the actor may read. */
static inline unsigned memory_oldest(const model_memory *memory, unsigned actor, unsigned location)
{
    return memory->sights[actor].seen.at[location];
}

/* The actor reads message `index`. */
uint64_t memory_read(model_memory *memory, unsigned actor, unsigned location, unsigned index, enum model_order order);

/* Whether the actor may store so that the new message has `index`. */
bool memory_may_write(const model_memory *memory, unsigned actor, unsigned location, unsigned index);

void memory_write(model_memory *memory, unsigned actor, unsigned location, unsigned index, uint64_t value,
                  enum model_order order);

/* Whether a read-modify-write of the actor may read message `index`: nobody else's has. */
bool memory_may_update(const model_memory *memory, unsigned actor, unsigned location, unsigned index);

/* Reads message `index` and stores its successor, which nothing can precede. */
void memory_update(model_memory *memory, unsigned actor, unsigned location, unsigned index, uint64_t value,
                   enum model_order order);

void memory_fence_acquire(model_memory *memory, unsigned actor);
void memory_fence_release(model_memory *memory, unsigned actor);
void memory_fence_full(model_memory *memory, unsigned actor);

/* The actor sees all that `other` has seen: it has learnt through the kernel that the other one is no more. */
void memory_join(model_memory *memory, unsigned actor, unsigned other);

/* Joins `more` into `view`. */
void memory_see(const model_memory *memory, model_view *view, const model_view *more);

/* Drops what no actor in the set `alive` (bits) can read, and views that nothing comes with any more. */
void memory_settle(model_memory *memory, unsigned alive);

#endif
