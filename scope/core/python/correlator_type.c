/* Correlator: groups the events of many segments by request. How it reads, waits and hands over is in files of their own. */
#include "../clock.h"
#include "../guard.h"
#include "correlator_type.h"

static PyTypeObject *CorrelatorType;

static PyObject *correlator_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"max_bytes", "pass_bytes", NULL};
    unsigned long long max_bytes = 32 << 20, pass_bytes = 1 << 30;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$KK:Correlator", names, &max_bytes, &pass_bytes))
        return NULL;
    if (scope_guard_install() < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    CorrelatorObject *self = (CorrelatorObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->pass_bytes = pass_bytes;
    self->groups = scope_correlator_new(max_bytes);
    if (self->groups)
        return (PyObject *)self;
    Py_DECREF(self);
    return PyErr_NoMemory();
}

static void correlator_dealloc(CorrelatorObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    scope_correlator_free(self->groups);
    for (uint32_t slot = 0; slot < self->slot_count; slot++)
        Py_XDECREF(self->slots[slot].segment);
    PyMem_RawFree(self->slots);
    type->tp_free(self);
    Py_DECREF(type);
}

scope_attached *scope_correlator_slot(CorrelatorObject *self, long slot)
{
    if (slot >= 0 && slot < (long)self->slot_count && self->slots[slot].segment)
        return &self->slots[slot];
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_KeyError, "the correlator has no segment %ld", slot);
    return NULL;
}

/* add(segment, number): `number` is what tuples call the segment; returns the slot for the other methods. */
static PyObject *correlator_add(CorrelatorObject *self, PyObject *args)
{
    SegmentObject *segment;
    long number;
    if (!PyArg_ParseTuple(args, "O!l:add", SegmentType, &segment, &number) || !scope_segment_is_open(segment))
        return NULL;
    int64_t slot = scope_correlator_add(self->groups, segment->segment.header.lanes);
    if (slot >= (int64_t)self->slot_count) {
        scope_attached *grown = PyMem_RawRealloc(self->slots, (size_t)(slot + 1) * sizeof *grown);
        if (!grown)
            return PyErr_NoMemory();
        self->slots = grown;
        self->slot_count = (uint32_t)slot + 1;
    }
    if (slot < 0)
        return PyErr_NoMemory();
    const scope_segment_header *header = &segment->segment.header;
    self->slots[slot] = (scope_attached){
        .segment = (SegmentObject *)Py_NewRef((PyObject *)segment),
        .clock_offset_ns = (int64_t)(header->realtime_ns - header->monotonic_ns),
        .number = number,
    };
    return PyLong_FromLongLong(slot);
}

static PyObject *correlator_remove(CorrelatorObject *self, PyObject *slot)
{
    scope_attached *found = scope_correlator_slot(self, PyLong_AsLong(slot));
    if (!found)
        return NULL;
    scope_correlator_remove(self->groups, (uint32_t)(found - self->slots));
    Py_CLEAR(found->segment);
    Py_RETURN_NONE;
}

static PyObject *correlator_abort(CorrelatorObject *self, PyObject *number)
{
    scope_attached *from = scope_correlator_slot(self, PyLong_AsLong(number));
    if (!from)
        return NULL;
    scope_correlator_abort(self->groups, (uint32_t)(from - self->slots));
    Py_RETURN_NONE;
}

static PyObject *correlator_finished(CorrelatorObject *self, PyObject *number)
{
    scope_attached *from = scope_correlator_slot(self, PyLong_AsLong(number));
    return from ? PyLong_FromUnsignedLong(scope_correlator_finished(self->groups, (uint32_t)(from - self->slots))) : NULL;
}

/* restore(slot, key, piece): takes back a piece of an open request that an earlier collector stored. */
static PyObject *correlator_restore(CorrelatorObject *self, PyObject *args)
{
    long slot;
    unsigned long long key;
    const char *bytes;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "lKy#:restore", &slot, &key, &bytes, &size) || !scope_correlator_slot(self, slot))
        return NULL;
    bool sound = scope_correlator_restore(self->groups, (uint32_t)slot, key, (const uint8_t *)bytes, (size_t)size);
    return PyBool_FromLong(sound);
}

static PyObject *correlator_sweep(CorrelatorObject *self, PyObject *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(scope_correlator_sweep(self->groups, scope_clock_now()));
}

/* losses(slot): what was lost in the segment, as far as it was read. */
static PyObject *correlator_losses(CorrelatorObject *self, PyObject *slot)
{
    scope_attached *from = scope_correlator_slot(self, PyLong_AsLong(slot));
    PyObject *result = from && scope_segment_is_open(from->segment) ? PyDict_New() : NULL;
    for (int reason = 0; result && reason < SCOPE_LOSS_REASONS; reason++) {
        uint64_t told = from->segment->told[reason];
        for (uint32_t lane = 0; lane < from->segment->segment.header.lanes; lane++)
            told += from->segment->lanes[lane].told[reason];
        if (scope_put_count(result, scope_loss_names[reason], told) < 0)
            Py_CLEAR(result);
    }
    return result;
}

/* set_costs(rows): each (type, ps of an event, ps of each further word of payload). */
static PyObject *correlator_set_costs(CorrelatorObject *self, PyObject *rows)
{
    scope_costs costs = {0};
    PyObject *all = PySequence_Fast(rows, "set_costs() takes a sequence of rows");
    for (Py_ssize_t index = 0; all && index < PySequence_Fast_GET_SIZE(all); index++) {
        unsigned char type;
        scope_cost cost;
        if (!PyArg_Parse(PySequence_Fast_GET_ITEM(all, index), "(bII)", &type, &cost.event_ps, &cost.word_ps))
            Py_CLEAR(all);
        else
            costs.of[type] = cost;
    }
    if (!all)
        return NULL;
    Py_DECREF(all);
    scope_correlator_set_costs(self->groups, &costs);
    Py_RETURN_NONE;
}

static PyObject *correlator_costs(CorrelatorObject *self, PyObject *number)
{
    scope_attached *from = scope_correlator_slot(self, PyLong_AsLong(number));
    if (!from)
        return NULL;
    scope_cost_sums sums = scope_correlator_costs(self->groups, (uint32_t)(from - self->slots));
    return Py_BuildValue("KKK", sums.all_ps / 1000, sums.detail_ps / 1000, sums.values_ps / 1000);
}

static PyObject *correlator_statistics(CorrelatorObject *self, PyObject *unused)
{
    (void)unused;
    scope_correlator_statistics now = scope_correlator_read_statistics(self->groups);
    PyObject *result = PyDict_New();
    if (!result || scope_put_count(result, "events", now.events) < 0 || scope_put_count(result, "stray", now.stray) < 0
        || scope_put_count(result, "malformed", now.malformed) < 0 || scope_put_count(result, "finished", now.finished) < 0
        || scope_put_count(result, "open", now.open) < 0 || scope_put_count(result, "bytes", now.bytes) < 0
        || scope_put_count(result, "refused", now.refused) < 0 || scope_put_count(result, "standing", now.standing) < 0
        || scope_put_count(result, "cut", now.cut) < 0 || scope_put_count(result, "of_process", now.of_process) < 0)
        Py_CLEAR(result);
    return result;
}

static PyMethodDef correlator_methods[] = {
    {"add", (PyCFunction)correlator_add, METH_VARARGS, "Read one more segment."},
    {"remove", (PyCFunction)correlator_remove, METH_O, "Forget a segment."},
    {"drain", (PyCFunction)scope_drain, METH_O, "One pass over a segment: (events, whether it was whole)."},
    {"wait", (PyCFunction)scope_wait_for_fullness, METH_VARARGS, "Sleep until a lane holds much that was not read."},
    {"keeps_waiting", (PyCFunction)scope_keeps_waiting, METH_NOARGS, "Whether a writer waits for room."},
    {"abort", (PyCFunction)correlator_abort, METH_O, "The owner is dead: its open requests end here."},
    {"finished", (PyCFunction)correlator_finished, METH_O, "How many requests of a segment are finished."},
    {"take", (PyCFunction)scope_take_rows, METH_VARARGS, "Finished requests, at most so many, perhaps of one segment."},
    {"take_open", (PyCFunction)scope_take_open_rows, METH_NOARGS, "Open requests that changed."},
    {"take_process", (PyCFunction)scope_take_process_rows, METH_O, "Events of no request that a segment's process wrote."},
    {"latest", (PyCFunction)scope_latest_event, METH_O, "When a segment's latest event was."},
    {"restore", (PyCFunction)correlator_restore, METH_VARARGS, "Take back a stored piece of an open request."},
    {"sweep", (PyCFunction)correlator_sweep, METH_NOARGS, "End requests that cannot end by themselves."},
    {"losses", (PyCFunction)correlator_losses, METH_O, "Events lost in a segment, by reason."},
    {"set_costs", (PyCFunction)correlator_set_costs, METH_O, "What events cost from now on."},
    {"costs", (PyCFunction)correlator_costs, METH_O, "What the events of a segment have cost its process."},
    {"statistics", (PyCFunction)correlator_statistics, METH_NOARGS, "Counters."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot correlator_slots[] = {
    {Py_tp_doc, "Groups the events of many segments by request."},
    {Py_tp_new, correlator_new},
    {Py_tp_dealloc, correlator_dealloc},
    {Py_tp_methods, correlator_methods},
    {0, NULL},
};

static PyType_Spec correlator_spec = {
    .name = "scope._core.Correlator",
    .basicsize = sizeof(CorrelatorObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = correlator_slots,
};

int scope_add_correlator(PyObject *module)
{
    CorrelatorType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &correlator_spec, NULL);
    if (!CorrelatorType || PyModule_AddType(module, CorrelatorType) < 0)
        return -1;
    PyObject *fields = scope_row_fields();
    int failed = !fields || PyModule_AddObjectRef(module, "SUMMARY_FIELDS", fields) < 0;
    Py_XDECREF(fields);
    return failed ? -1 : 0;
}
