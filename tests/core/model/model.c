/* Explores each scenario, or those named; 0 where every check held, 1 where one did not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world.h"

/* Small bounds that still lap, fill, gap, enter blocks, retire and claim: seconds in all. */
static const world_scenario SMALL[] = {
    {.name = "lap", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWWWWWWWW"}, .passes = 2, .crashes = true},
    {.name = "lap restart", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWWWWW"}, .passes = 2, .restarts = 1},
    {.name = "notes", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cwBRWwwWwwwwWwww"}, .passes = 1,
     .crashes = true},
    {.name = "discard", .policy = SCOPE_DISCARD_NEWEST, .lanes = 1, .writers = {"cWWWWWWWWWW"}, .passes = 2, .crashes = true},
    {.name = "discard restart", .policy = SCOPE_DISCARD_NEWEST, .lanes = 1, .writers = {"cWWWWWWWWW"}, .passes = 2,
     .restarts = 1},
    {.name = "early head", .policy = SCOPE_DISCARD_NEWEST, .lanes = 1, .writers = {"cWWWWWW"}, .passes = 2, .early = true},
    {.name = "churn", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWwrcw", "cWwr"}, .passes = 1,
     .crashes = true},
    {.name = "heir", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWwrcWWWWWWWW"}, .passes = 1, .crashes = true},
    {.name = "inherit", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWWWWr", "cw"}, .passes = 1},
    {.name = "successor", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWr", "cWWWWr"}, .passes = 1},
    {.name = "threads", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 2, .writers = {"cwr", "cr", "cwr"}, .passes = 1},
    {.name = "full claim", .policy = SCOPE_DISCARD_NEWEST, .lanes = 1, .writers = {"cWWWWWWrcwWr", "cwr"}, .passes = 1},
    {.name = "no pages", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"ccwr", "ccwr"}, .passes = 1,
     .disk_may_fill = true},
    {.name = "define", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 2, .writers = {"cDuGDDu", "cTu"}, .passes = 1},
    {.name = "block", .policy = SCOPE_BLOCK_WRITER, .lanes = 1, .writers = {"cWWWWWWWW"}, .passes = 1, .crashes = true},
    {.name = "block restart", .policy = SCOPE_BLOCK_WRITER, .lanes = 1, .writers = {"cWWWWWWW"}, .passes = 1, .restarts = 1},
    {.name = "block twice", .policy = SCOPE_BLOCK_WRITER, .lanes = 1, .writers = {"cWWWWWW"}, .passes = 2},
    {.name = "steer", .policy = SCOPE_BLOCK_WRITER, .lanes = 1, .writers = {"cWWWWWW"}, .passes = 1, .steered = true,
     .steered_to = SCOPE_OVERWRITE_OLDEST},
};

/* Minutes. */
static const world_scenario LARGE[] = {
    {.name = "far laps", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWWWWWWWWWWW"}, .passes = 3,
     .crashes = true},
    {.name = "lap restarts", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWWWWWW"}, .passes = 2,
     .restarts = 2, .crashes = true},
    {.name = "notes restart", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cwBRWwwWwwwwW"}, .passes = 1,
     .restarts = 1, .crashes = true},
    {.name = "three churn", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWrcw", "cWWr", "cwr"}, .passes = 1},
    {.name = "long churn", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWrcWwrcw", "cWWr", "cwr"},
     .passes = 1},
    {.name = "churn and crash", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWrcWwr", "cWWWr"}, .passes = 1,
     .crashes = true},
    {.name = "three threads", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 2, .writers = {"cwrcw", "cwr", "cwr"}, .passes = 1},
    {.name = "full lane churn", .policy = SCOPE_DISCARD_NEWEST, .lanes = 1, .writers = {"cWWWWWrcwWr", "cwWr"}, .passes = 2},
    {.name = "discard three times", .policy = SCOPE_DISCARD_NEWEST, .lanes = 1, .writers = {"cWWWWWWWWWWWW"}, .passes = 3},
    {.name = "discard restart, crash", .policy = SCOPE_DISCARD_NEWEST, .lanes = 1, .writers = {"cWWWWWWW"}, .passes = 2,
     .restarts = 1, .crashes = true},
    {.name = "no pages, two lanes", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 2, .writers = {"ccwr", "ccwr"}, .passes = 1,
     .disk_may_fill = true},
    {.name = "define and crash", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 2, .writers = {"cDuDDu", "cTu"}, .passes = 1,
     .crashes = true},
    {.name = "block and crash", .policy = SCOPE_BLOCK_WRITER, .lanes = 1, .writers = {"cWWWWWWW"}, .passes = 2,
     .crashes = true},
    {.name = "block restart, crash", .policy = SCOPE_BLOCK_WRITER, .lanes = 1, .writers = {"cWWWWWW"}, .passes = 2,
     .restarts = 1, .crashes = true},
    {.name = "steer to discard", .policy = SCOPE_BLOCK_WRITER, .lanes = 1, .writers = {"cWWWWWWW"}, .passes = 2,
     .steered = true, .steered_to = SCOPE_DISCARD_NEWEST},
    {.name = "steer to overwrite", .policy = SCOPE_BLOCK_WRITER, .lanes = 1, .writers = {"cWWWWWWW"}, .passes = 1,
     .steered = true, .steered_to = SCOPE_OVERWRITE_OLDEST, .crashes = true},
    {.name = "steer to block", .policy = SCOPE_OVERWRITE_OLDEST, .lanes = 1, .writers = {"cWWWWWWW"}, .passes = 2,
     .steered = true, .steered_to = SCOPE_BLOCK_WRITER},
};

static bool may_stop(const model_state *state, unsigned actor)
{
    if (actor > 0)
        return world_running->crashes;
    return ((const world_ghost *)state->ghost)->restarts > 0;
}

/* A writer's process is gone for good. The collector begins again with what is stored: it holds the lock that the other
 * held, so it sees what that one saw. */
static void stop(model_state *state, unsigned actor)
{
    world_ghost *ghost = world_ghost_of(state);
    if (actor > 0) {
        ghost->crashed++;
        return;
    }
    world_collector *self = (world_collector *)state->actors[0].data;
    if (self->phase == WORLD_PUBLISH)
        ghost->cut_short[self->lane] = true;
    self->now = self->stored;
    self->phase = self->passes || self->last ? WORLD_PROMISE : WORLD_AWAIT;
    self->lane = 0;
    ghost->restarts--;
    state->actors[0].phase = MODEL_READY;
}

static void operate(unsigned actor, void *data)
{
    if (actor > 0)
        world_write(actor, data);
    else
        world_collect(actor, data);
}

static model_result explore(const world_scenario *scenario, bool tell)
{
    model_program program = {
        .data_bytes = sizeof(world_collector) > sizeof(world_writer) ? sizeof(world_collector) : sizeof(world_writer),
        .begin = world_begin,
        .operation = operate,
        .stored = world_stored,
        .promised = world_promised,
        .owns = world_owns,
        .quiet = world_quiet,
        .ended = world_ended,
        .may_stop = may_stop,
        .stop = stop,
        .name = world_name,
    };
    _Static_assert(sizeof(world_collector) <= MODEL_DATA && sizeof(world_ghost) <= MODEL_GHOST, "fits");
    world_running = scenario;
    world_longest_write = 0;
    program.actors = 1 + world_writers();
    return model_explore(&program, tell);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

typedef struct {
    uint64_t states;
    unsigned count;
    bool violated;
} totals;

/* Explores those of the scenarios that are `named`; all where that is NULL. */
static void explore_all(const world_scenario *scenarios, size_t count, const char *named, totals *sum)
{
    for (const world_scenario *each = scenarios; each < scenarios + count && !sum->violated; each++) {
        if (named && strcmp(each->name, named) != 0)
            continue;
        double begun = seconds();
        model_result result = explore(each, true);
        sum->states += result.states;
        sum->count++;
        sum->violated = result.violated[0];
        printf("%-24s %9llu states %10llu steps %6llu ends, %u actors, %u passes, %u restarts%s, %u accesses a write, %.1f s\n", each->name,
               (unsigned long long)result.states, (unsigned long long)result.steps, (unsigned long long)result.executions,
               1 + world_writers(), each->passes, each->restarts, each->crashes ? ", crashes" : "", world_longest_write,
               seconds() - begun);
        if (sum->violated)
            printf("%s: violated: %s: %s\n", each->name, result.violated, result.message);
        fflush(stdout);
    }
}

int main(int count, char **arguments)
{
    totals sum = {0};
    bool large = count > 1 && strcmp(arguments[1], "--large") == 0;
    const char *named = count > 1 && !large ? arguments[1] : NULL;
    explore_all(SMALL, sizeof SMALL / sizeof *SMALL, named, &sum);
    if (large || named)
        explore_all(LARGE, sizeof LARGE / sizeof *LARGE, named, &sum);
    printf("%llu states in %u scenarios\n", (unsigned long long)sum.states, sum.count);
    return sum.violated || sum.count == 0;
}
