/* Correlator.drain(): one pass over the lanes of a segment. */
#include "../clock.h"
#include "../guard.h"
#include "correlator_type.h"

typedef struct {
    CorrelatorObject *self;
    uint32_t slot;
    uint64_t now_ns;
} feeding;

static void on_record(void *target, uint32_t lane, uint64_t position, const uint8_t *record, uint64_t words)
{
    feeding *to = target;
    scope_correlator_feed(to->self->groups, to->slot, lane, position, record, words, to->now_ns);
}

static void on_lost(void *target, uint32_t lane, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    feeding *to = target;
    /* no request of this segment misses anything: what a definition would have said is in the records that found none, and
     * what was cut by a fork was of another process's request */
    if (reason != SCOPE_LOST_DEFINITIONS_FULL && reason != SCOPE_LOST_FORKED)
        scope_correlator_lose(to->self->groups, to->slot, lane, time_ns, events, reason);
}

/* Losses that leave no trace in a ring, or none yet: they touch every request of the process that is not handed over. A full
 * ring's GAP is written before its next event, and never if there is none. Lanes are taken from the first on. */
static void note_silent_losses(SegmentObject *segment, const scope_sink *sink)
{
    const scope_segment *shared = &segment->segment;
    scope_read_losses(shared->control->lost, segment->told, SCOPE_NO_LANE, sink);
    for (uint32_t lane = 0; lane < shared->header.lanes; lane++) {
        if (scope_load_relaxed(&shared->lanes[lane].tail) == 0)
            break;
        scope_read_losses(shared->lanes[lane].lost, segment->lanes[lane].told, SCOPE_NO_LANE, sink);
    }
}

/* Reads a lane up to where its writer was when the pass came to it; false where it has to stop before. */
static bool read_lane(CorrelatorObject *self, scope_attached *from, const scope_sink *sink, uint64_t *events, uint64_t *left_bytes)
{
    const scope_segment *segment = &from->segment->segment;
    scope_lane_reader *reader = &from->segment->lanes[from->next_lane];
    uint32_t slot = (uint32_t)(from - self->slots);
    if (from->target == 0)
        from->target = scope_load_relaxed(&segment->lanes[from->next_lane].tail);
    uint64_t advance = reader->head != from->target;
    while (advance) {
        if (*left_bytes == 0 || scope_correlator_full(self->groups, slot))
            return false;
        uint64_t before = reader->head;
        *events += scope_lane_read(segment, from->next_lane, reader, from->segment->buffer, sink);
        uint64_t copied = reader->head - before < SCOPE_READ_BYTES ? reader->head - before : SCOPE_READ_BYTES;
        *left_bytes -= copied < *left_bytes ? copied : *left_bytes;
        advance = reader->head < from->target ? copied : 0;
    }
    from->target = 0;
    return true;
}

/* Reads lanes from where the last pass stopped; false where there is more than may be read at a time, or kept. */
static bool read_lanes(CorrelatorObject *self, scope_attached *from, const scope_sink *sink, uint64_t *events)
{
    uint64_t left_bytes = self->pass_bytes;
    for (; from->next_lane < from->segment->segment.header.lanes; from->next_lane++)
        if (!read_lane(self, from, sink, events, &left_bytes))
            return false;
    from->next_lane = 0;
    return true;
}

/* One pass: false where the file was cut meanwhile, or has holes. */
static bool read_segment(CorrelatorObject *self, scope_attached *from, feeding *to, uint64_t *events, bool *whole)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    if (scope_segment_hollow(&from->segment->segment)) {
        scope_guard_leave(&guard);
        return false;
    }
    scope_sink sink = {to, on_record, on_lost};
    *whole = read_lanes(self, from, &sink, events);
    if (*whole)
        note_silent_losses(from->segment, &sink);
    scope_guard_leave(&guard);
    return true;
}

/* drain(slot): one pass over the segment's lanes. Returns (events read, whether the pass is whole). It stops where the
 * correlator is full, or `pass_bytes` are read: hand over what it holds, then drain again, and it goes on. */
PyObject *scope_drain(CorrelatorObject *self, PyObject *number)
{
    scope_attached *from = scope_correlator_slot(self, PyLong_AsLong(number));
    if (!from || !scope_segment_is_open(from->segment))
        return NULL;
    feeding to = {self, (uint32_t)(from - self->slots), scope_clock_now()};
    uint64_t events = 0;
    bool whole;
    if (!scope_segment_whole(&from->segment->segment) || !read_segment(self, from, &to, &events, &whole))
        return scope_cut_while_read(from->segment);
    if (whole)
        scope_correlator_pass(self->groups, to.slot);
    return Py_BuildValue("KO", (unsigned long long)events, whole ? Py_True : Py_False);
}
