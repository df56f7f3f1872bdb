/* A copy of a segment that another process is writing to: what a kill at this moment would leave. */
#ifndef SCOPE_SNAPSHOT_H
#define SCOPE_SNAPSHOT_H

#include <errno.h>

#include "check.h"
#include "segments.h"

typedef struct {
    char path[64];
    scope_segment live, copy;
} snapshot;

/* Whether the segment can be seen; from that moment on it has to be whole. */
static inline bool snapshot_is_there(snapshot *of)
{
    const char *fault = NULL;
    if (of->live.base)
        return true;
    if (access(of->path, F_OK) < 0)
        return false;
    CHECK(scope_segment_open(&of->live, of->path, &fault) == 0, "%s", fault ? fault : strerror(errno));
    if (!of->live.base)
        return false;
    of->copy = of->live;
    of->copy.base = calloc(1, of->live.header.size);
    of->copy.control = (scope_control_page *)(of->copy.base + of->live.header.control_offset);
    of->copy.lanes = (scope_lane_control *)(of->copy.base + of->live.header.lanes_offset);
    of->copy.definitions = (scope_word *)(of->copy.base + of->live.header.definitions_offset);
    return true;
}

/* Copies it; false where nothing has changed since the last time. */
static inline bool snapshot_take(snapshot *of)
{
    if (memcmp(of->copy.base, of->live.base, of->live.header.size) == 0)
        return false;
    memcpy(of->copy.base, of->live.base, of->live.header.size);
    return true;
}

/* Closes it, and removes the file. */
static inline void snapshot_forget(snapshot *of)
{
    if (of->live.base) {
        scope_segment_close(&of->live);
        free(of->copy.base);
    }
    of->live.base = of->copy.base = NULL;
    unlink(of->path);
}

#endif
