/* Correlator.wait() and keeps_waiting(): how full the lanes are, and whether a writer waits for room. */
#include "../clock.h"
#include "../guard.h"
#include "correlator_type.h"

/* How full the fullest lane is, in percent; 100 where the file was cut, for the next pass to find out. Lanes are taken from
 * the first on, so those after one that was never written to are not looked at. */
static uint64_t fullest_lane(const SegmentObject *segment)
{
    scope_guard guard;
    volatile uint64_t fullest = 0; /* outlives the jump of a guard */
    if (!scope_guard_enter(&guard))
        return 100;
    for (uint32_t lane = 0; lane < segment->segment.header.lanes; lane++) {
        uint64_t tail = scope_load_relaxed(&segment->segment.lanes[lane].tail);
        if (tail == 0)
            break;
        uint64_t unread = tail - segment->lanes[lane].head;
        if (unread && scope_load_relaxed32(&segment->segment.lanes[lane].waiters))
            fullest = 100;
        uint64_t fill = unread ? unread / (scope_lane_bytes(&segment->segment.header, lane) / 100) : 0;
        fullest = fill > fullest ? fill : fullest;
    }
    scope_guard_leave(&guard);
    return fullest;
}

static uint64_t fullest_of_all(const CorrelatorObject *self)
{
    uint64_t fullest = 0;
    for (uint32_t slot = 0; slot < self->slot_count; slot++) {
        const SegmentObject *segment = self->slots[slot].segment;
        uint64_t fill = segment && segment->segment.base ? fullest_lane(segment) : 0;
        fullest = fill > fullest ? fill : fullest;
    }
    return fullest;
}

/* wait(percent, poll_s, most_s): sleeps until a lane holds so much that was not read, looking every poll_s. Returns what the
 * fullest one holds. Here and not in Python, where each look takes three times the processor time. Segments may come and go
 * meanwhile: looks are made with the GIL. */
PyObject *scope_wait_for_fullness(CorrelatorObject *self, PyObject *args)
{
    unsigned long long percent;
    double poll_s, most_s;
    if (!PyArg_ParseTuple(args, "Kdd:wait", &percent, &poll_s, &most_s))
        return NULL;
    if (!(poll_s > 0 && poll_s <= 3600 && most_s >= 0 && most_s <= 3600)) {
        PyErr_SetString(PyExc_ValueError, "a pause is longer than nothing, and an hour at most");
        return NULL;
    }
    uint64_t until_ns = scope_clock_now() + (uint64_t)(most_s * 1e9);
    struct timespec pause = {(time_t)poll_s, (long)((poll_s - (double)(time_t)poll_s) * 1e9)};
    uint64_t fullest;
    do {
        Py_BEGIN_ALLOW_THREADS
        nanosleep(&pause, NULL);
        Py_END_ALLOW_THREADS
        if (PyErr_CheckSignals() < 0)
            return NULL;
        fullest = fullest_of_all(self);
    } while (fullest < percent && scope_clock_now() < until_ns);
    return PyLong_FromUnsignedLongLong(fullest);
}

/* Whether a writer waits in the lane for what was read of it to be stored. */
static bool keeps_waiting(const SegmentObject *segment)
{
    scope_guard guard;
    volatile bool waiting = false; /* outlives the jump of a guard */
    if (!scope_guard_enter(&guard))
        return false;
    for (uint32_t lane = 0; lane < segment->segment.header.lanes && !waiting; lane++) {
        const scope_lane_control *control = &segment->segment.lanes[lane];
        if (scope_load_relaxed(&control->tail) == 0)
            break;
        waiting = scope_load_relaxed32(&control->waiters) && scope_load_relaxed(&control->head) < segment->lanes[lane].head;
    }
    scope_guard_leave(&guard);
    return waiting;
}

/* keeps_waiting(): whether some writer waits for what was read to be stored. */
PyObject *scope_keeps_waiting(CorrelatorObject *self, PyObject *unused)
{
    (void)unused;
    for (uint32_t slot = 0; slot < self->slot_count; slot++) {
        const SegmentObject *segment = self->slots[slot].segment;
        if (segment && segment->segment.base && keeps_waiting(segment))
            Py_RETURN_TRUE;
    }
    Py_RETURN_FALSE;
}
