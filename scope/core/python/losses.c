/* Events lost in a segment: what the writers counted, and how much of it requests were told of. */
#include "../guard.h"
#include "readers.h"

const char *const scope_loss_names[SCOPE_LOSS_REASONS] = {"lapped",  "full",     "no_lane",          "reentrant",
                                                           "too_big", "no_space", "definitions_full", "forked",
                                                           "timed_out"};

/* What the writers counted, by reason; false where the file was cut. */
static bool sum_losses(const scope_segment *segment, uint64_t lost[SCOPE_LOSS_REASONS])
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++)
        lost[reason] = scope_load_relaxed(&segment->control->lost[reason]);
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++)
        for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++)
            lost[reason] += scope_load_relaxed(&segment->lanes[lane].lost[reason]);
    scope_guard_leave(&guard);
    return true;
}

/* losses(): events that writers counted as lost, by reason. What a reader finds lapped is the correlator's to count. */
PyObject *scope_segment_losses(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    uint64_t lost[SCOPE_LOSS_REASONS];
    if (!scope_segment_is_open(self))
        return NULL;
    if (!sum_losses(&self->segment, lost))
        return scope_cut_while_read(self);
    PyObject *result = PyDict_New();
    for (int reason = 0; result && reason < SCOPE_LOSS_REASONS; reason++)
        if (scope_put_count(result, scope_loss_names[reason], lost[reason]) < 0)
            Py_CLEAR(result);
    return result;
}

/* Adds (lane, reason, events) for each reason that there is a number for. 0, or -1 with an exception set. */
static int put_told(PyObject *rows, long lane, const uint64_t *told)
{
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++) {
        if (!told[reason])
            continue;
        PyObject *row = Py_BuildValue("lsK", lane, scope_loss_names[reason], (unsigned long long)told[reason]);
        int failed = !row || PyList_Append(rows, row) < 0;
        Py_XDECREF(row);
        if (failed)
            return -1;
    }
    return 0;
}

/* told(): (lane, reason, events) of all that was told of, also of lapped events; lane -1: none could count them. */
PyObject *scope_segment_told(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    if (!scope_segment_is_open(self))
        return NULL;
    PyObject *rows = PyList_New(0);
    int failed = !rows || put_told(rows, -1, self->told) < 0;
    for (uint32_t lane = 0; !failed && lane < self->segment.header.lanes; lane++)
        failed = put_told(rows, lane, self->lanes[lane].told) < 0;
    PyObject *result = failed ? NULL : PyList_AsTuple(rows);
    Py_XDECREF(rows);
    return result;
}

static int reason_of(const char *name)
{
    int reason = 0;
    while (reason < SCOPE_LOSS_REASONS && strcmp(scope_loss_names[reason], name) != 0)
        reason++;
    return reason;
}

/* One row of told(); what is of no lane or reason of this segment is passed over. 0, or -1 with an exception set. */
static int take_told(SegmentObject *self, PyObject *row)
{
    long lane;
    const char *name;
    unsigned long long events;
    if (!PyTuple_Check(row)) {
        PyErr_Format(PyExc_TypeError, "restore_told() takes tuples, not %s", Py_TYPE(row)->tp_name);
        return -1;
    }
    if (!PyArg_ParseTuple(row, "lsK:restore_told", &lane, &name, &events))
        return -1;
    int reason = reason_of(name);
    if (reason == SCOPE_LOSS_REASONS || lane < -1 || lane >= (long)self->segment.header.lanes)
        return 0;
    *(lane < 0 ? &self->told[reason] : &self->lanes[lane].told[reason]) = events;
    return 0;
}

/* restore_told(rows): what an earlier collector has told of, and stored, is not told of again. */
PyObject *scope_segment_restore_told(SegmentObject *self, PyObject *rows)
{
    PyObject *fast = scope_segment_is_open(self) ? PySequence_Tuple(rows) : NULL;
    int failed = !fast;
    for (Py_ssize_t index = 0; !failed && index < PyTuple_GET_SIZE(fast); index++)
        failed = take_told(self, PyTuple_GET_ITEM(fast, index)) < 0;
    Py_XDECREF(fast);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}
