/* The model's machine against programs whose outcomes C11 settles, with and without the savings of the search. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explorer.h"
#include "replaced.h"

/* Threads in words: W store relaxed, w store release, R load relaxed, r load acquire, L A F fence release, acquire, full,
 * U replaces the digit by the next one, acquire. An outcome is what the threads loaded (U: whether it replaced), in order. */
typedef struct {
    const char *name;
    const char *threads[4];
    const char *outcome;
    bool allowed;
} litmus;

static const litmus LITMUS[] = {
    {"messages, relaxed", {"Wx1 Wy1", "Ry Rx"}, "10", true},
    {"messages, release and acquire", {"Wx1 wy1", "ry Rx"}, "10", false},
    {"messages, fences", {"Wx1 L Wy1", "Ry A Rx"}, "10", false},
    {"messages, release and fence", {"Wx1 wy1", "Ry A Rx"}, "10", false},
    {"messages, fence and acquire", {"Wx1 L Wy1", "ry Rx"}, "10", false},
    {"messages, no acquire", {"Wx1 wy1", "Ry Rx"}, "10", true},
    {"messages, no release", {"Wx1 Wy1", "ry Rx"}, "10", true},
    {"messages, fence too late", {"Wx1 Wy1 L", "ry Rx"}, "10", true},
    {"messages, fence before its load", {"Wx1 L Wy1", "A Ry Rx"}, "10", true},
    {"a copy and its intent", {"Wi1 L Wd1", "Rd A Ri"}, "10", false},
    {"a copy of three and its intent", {"Wi1 L Wd1 We1 Wf1", "Rd Re Rf A Ri"}, "0010", false},
    {"a copy of three, half new", {"Wi1 L Wd1 We1 Wf1", "Rd Re Rf A Ri"}, "0101", true},
    {"a copy, intent released", {"wi1 Wd1", "Rd A Ri"}, "10", true},
    {"a copy, fence missing in the reader", {"Wi1 L Wd1", "Rd Ri"}, "10", true},
    {"a copy, intent first", {"Wi1 L Wd1", "Ri A Rd"}, "01", true},
    {"two copies and two fences", {"Wi1 L Wd1 Wi2 L We1", "Rd A Re A Ri"}, "012", true},
    {"two copies and an older intent", {"Wi1 L Wd1 Wi2 L We1", "Rd A Re A Ri"}, "011", false},
    {"stores and loads crossed", {"Wx1 Ry", "Wy1 Rx"}, "00", true},
    {"crossed, release and acquire", {"wx1 ry", "wy1 rx"}, "00", true},
    {"crossed, full fences", {"Wx1 F Ry", "Wy1 F Rx"}, "00", false},
    {"crossed, one full fence", {"Wx1 F Ry", "Wy1 Rx"}, "00", true},
    {"crossed, weaker fences", {"Wx1 L A Ry", "Wy1 L A Rx"}, "00", true},
    {"one location, backwards", {"Wx1 Wx2", "Rx Rx"}, "21", false},
    {"one location, forwards", {"Wx1 Wx2", "Rx Rx"}, "12", true},
    {"one location, two orders", {"Wx1", "Wx2", "Rx Rx", "Rx Rx"}, "1221", false},
    {"one location, either order", {"Wx1", "Wx2", "Rx Rx", "Rx Rx"}, "2121", true},
    {"a store under one that is newer", {"Wx1 Ry", "Wy1 Wx2", "Rx Rx"}, "021", true},
    {"independent reads", {"Wx1", "Wy1", "rx ry", "ry rx"}, "1010", true},
    {"independent reads, full fences", {"Wx1", "Wy1", "Rx F Ry", "Ry F Rx"}, "1010", false},
    {"passed on", {"Wx1", "rx wy1", "ry Rx"}, "110", false},
    {"passed on, relaxed", {"Wx1", "Rx Wy1", "Ry Rx"}, "110", true},
    {"two that replace one", {"Ux0", "Ux0"}, "11", false},
    {"one of two replaces", {"Ux0", "Ux0"}, "10", true},
    {"neither replaces", {"Ux0", "Ux0"}, "00", false},
    {"released, replaced, acquired", {"Wd1 wx1", "Ux1", "rx Rd"}, "120", false},
    {"released, overwritten, acquired", {"Wd1 wx1 Wx2", "rx Rd"}, "20", true},
    {"a load of what depends on it", {"Rx Wy1", "Ry Wx1"}, "11", false},
};

enum { PLACES = 26, LOADS = 6, OUTCOMES = 512 };

typedef struct {
    uint8_t done, loads;
    uint64_t loaded[LOADS];
} registers;

static scope_word places[PLACES];
static const litmus *running;
static char outcomes[2][OUTCOMES][16];
static unsigned outcome_count[2];
static bool plain;

static void begin(model_state *state)
{
    model_map_clear();
    memory_reset(&state->memory, model_map(places, PLACES, sizeof *places, true) + PLACES);
}

static void run_word(registers *self, const char *word)
{
    scope_word *place = &places[word[1] - 'a'];
    uint64_t value = word[1] >= 'a' && word[2] >= '0' ? (uint64_t)(word[2] - '0') : 0;
    switch (*word) {
    case 'W':
        scope_store_relaxed(place, value);
        break;
    case 'w':
        scope_store_release(place, value);
        break;
    case 'R':
        self->loaded[self->loads++] = scope_load_relaxed(place);
        break;
    case 'r':
        self->loaded[self->loads++] = scope_load_acquire(place);
        break;
    case 'U':
        self->loaded[self->loads++] = scope_replace_acquire(place, value, value + 1);
        break;
    case 'A':
        scope_fence_acquire();
        break;
    case 'L':
        scope_fence_release();
        break;
    default:
        scope_fence_full();
    }
}

static void run_thread(unsigned actor, void *data)
{
    registers *self = data;
    char text[64], *rest = text;
    if (self->done)
        model_end();
    snprintf(text, sizeof text, "%s", running->threads[actor]);
    for (char *word; (word = strsep(&rest, " "));)
        run_word(self, word);
    for (unsigned each = 0; each < self->loads; each++)
        self->loaded[each] = model_examine((const uint8_t *)&self->loaded[each]);
    self->done = 1;
}

static void ignore_store(unsigned actor, const void *data, unsigned location, unsigned index, uint64_t value)
{
    (void)actor, (void)data, (void)location, (void)index, (void)value;
}

static bool owns_nothing(unsigned actor, const void *data, unsigned location)
{
    (void)actor, (void)data, (void)location;
    return false;
}

static void note_outcome(const model_state *state)
{
    char outcome[16] = "";
    for (unsigned actor = 0; actor < 4 && running->threads[actor]; actor++) {
        const registers *of = (const registers *)state->actors[actor].data;
        for (unsigned each = 0; each < of->loads; each++)
            outcome[strlen(outcome)] = (char)('0' + of->loaded[each]);
    }
    for (unsigned each = 0; each < outcome_count[plain]; each++)
        if (strcmp(outcomes[plain][each], outcome) == 0)
            return;
    strcpy(outcomes[plain][outcome_count[plain]++], outcome);
}

static bool never(const model_state *state, unsigned actor)
{
    (void)state, (void)actor;
    return false;
}

static void no_name(unsigned location, char *text, size_t size)
{
    snprintf(text, size, "%c", 'a' + (int)location);
}

static bool found(unsigned mode, const char *outcome)
{
    for (unsigned each = 0; each < outcome_count[mode]; each++)
        if (strcmp(outcomes[mode][each], outcome) == 0)
            return true;
    return false;
}

static uint64_t explore(const litmus *test, bool plainly)
{
    model_program program = {.data_bytes = sizeof(registers), .begin = begin, .operation = run_thread, .stored = ignore_store,
                             .owns = owns_nothing, .ended = note_outcome, .may_stop = never, .name = no_name, .plain = plainly};
    running = test;
    plain = plainly;
    outcome_count[plain] = 0;
    memset(outcomes[plain], 0, sizeof outcomes[plain]);
    while (program.actors < 4 && test->threads[program.actors])
        program.actors++;
    return model_explore(&program, false).states;
}

int main(void)
{
    unsigned failures = 0, count = sizeof LITMUS / sizeof *LITMUS;
    uint64_t states[2] = {0};
    for (const litmus *test = LITMUS; test < LITMUS + count; test++) {
        for (int mode = 0; mode < 2; mode++)
            states[mode] += explore(test, mode);
        bool same = outcome_count[0] == outcome_count[1];
        for (unsigned each = 0; each < outcome_count[1]; each++)
            same &= found(0, outcomes[1][each]);
        if (same && found(0, test->outcome) == test->allowed)
            continue;
        failures++;
        printf("%s: %s %s; %u outcomes, %u without savings\n", test->name, test->outcome,
               found(0, test->outcome) ? "is met" : "is not met", outcome_count[0], outcome_count[1]);
    }
    printf("litmus: %u programs, %u wrong; %llu states, %llu without the savings of the search\n", count, failures,
           (unsigned long long)states[0], (unsigned long long)states[1]);
    return failures > 0;
}
