/* Kills a process before the k-th thing that it does to what others may see, for every k.
 *
 * Counted are the stores to shared memory (counted.h) and the system calls of the core that change something, or that lie
 * between two that do. A trial is a process of its own: it prepares, uncounted; then it acts, and is killed before step k.
 * The one that started it comes after it and looks. The first trial that is not killed ends the sweep, so k took every
 * value there is.
 */
#ifndef SCOPE_CRASH_H
#define SCOPE_CRASH_H

#include "survivor.h"

typedef struct stage stage;

/* One sweep. `words` and `room` are for `prepare` and `act` to use. */
typedef struct {
    const char *name;
    scope_segment_sizes sizes;
    uint64_t words; /* of the event that is written */
    uint64_t room; /* bytes left in the block when it is written */
    uint64_t blocks; /* entered before */
    void (*prepare)(stage *self); /* NULL: nothing */
    void (*act)(stage *self);
    void (*look)(stage *self); /* afterwards, by the survivor; NULL: crash_look */
    void (*begin)(stage *self); /* before, by the survivor; NULL: nothing */
} crash_case;

struct stage {
    const crash_case *what;
    char path[64], other_path[64];
    scope_segment segment;
    scope_ring ring;
    told *of, *other; /* `other` is what a second process tells */
    bool was_killed;
    uint64_t *durable; /* a page for whatever else has to outlive the trial */
};

/* Sweeps one case. */
void crash_sweep(const crash_case *what);

/* The whole comparison of survivor.h, and that the file can be removed and its place be taken. */
void crash_look(stage *self);

/* Opens the file at `path`, which has to be a sound segment, compares, and removes it. */
void crash_look_at(const char *path, const told *of);

/* A segment made and its first lane claimed, as told. */
void crash_begin(stage *self);

/* Enters `what->blocks` further blocks and writes until `what->room` bytes are left, or as few more as
 * hold no event; a collector keeps up meanwhile. */
void crash_fill(stage *self);

/* What a collector does that has stored everything: the lane has room again. Not counted, for nobody is killed by it. */
void crash_free(stage *self);

/* From here on the disk takes nothing. */
void crash_fill_disk(void);

/* From here on there are no files without a name. */
void crash_name_files(void);

/* Prints what the sweeps of this program tried. Returns what main returns. */
int crash_summary(const char *of);

/* Whether the program was asked for everything, not for a part that is quick. */
bool crash_thorough(int count, char **arguments);

#endif
