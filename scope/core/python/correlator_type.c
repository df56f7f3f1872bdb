/* Correlator: groups of events by request, as tuples. */
#include "../clock.h"
#include "../correlate.h"
#include "../guard.h"
#include "readers.h"

static PyTypeObject *CorrelatorType;

typedef struct {
    SegmentObject *segment; /* strong; NULL: free */
    int64_t clock_offset_ns; /* realtime - monotonic */
    long number; /* the caller's */
    uint32_t next_lane; /* where a pass that was stopped goes on */
    uint64_t target; /* up to where it reads that lane; 0: not begun */
} attached;

typedef struct {
    PyObject_HEAD
    scope_correlator *groups;
    attached *slots;
    uint32_t slot_count;
    uint64_t pass_bytes;
} CorrelatorObject;

typedef struct {
    CorrelatorObject *self;
    uint32_t slot;
    uint64_t now_ns;
} feeding;

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

static attached *slot_of(CorrelatorObject *self, long slot)
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
        attached *grown = PyMem_RawRealloc(self->slots, (size_t)(slot + 1) * sizeof *grown);
        if (!grown)
            return PyErr_NoMemory();
        self->slots = grown;
        self->slot_count = (uint32_t)slot + 1;
    }
    if (slot < 0)
        return PyErr_NoMemory();
    const scope_segment_header *header = &segment->segment.header;
    self->slots[slot] = (attached){
        .segment = (SegmentObject *)Py_NewRef((PyObject *)segment),
        .clock_offset_ns = (int64_t)(header->realtime_ns - header->monotonic_ns),
        .number = number,
    };
    return PyLong_FromLongLong(slot);
}

static PyObject *correlator_remove(CorrelatorObject *self, PyObject *slot)
{
    attached *found = slot_of(self, PyLong_AsLong(slot));
    if (!found)
        return NULL;
    scope_correlator_remove(self->groups, (uint32_t)(found - self->slots));
    Py_CLEAR(found->segment);
    Py_RETURN_NONE;
}

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
static bool read_lane(CorrelatorObject *self, attached *from, const scope_sink *sink, uint64_t *events, uint64_t *left_bytes)
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
static bool read_lanes(CorrelatorObject *self, attached *from, const scope_sink *sink, uint64_t *events)
{
    uint64_t left_bytes = self->pass_bytes;
    for (; from->next_lane < from->segment->segment.header.lanes; from->next_lane++)
        if (!read_lane(self, from, sink, events, &left_bytes))
            return false;
    from->next_lane = 0;
    return true;
}

/* One pass: false where the file was cut meanwhile, or has holes. */
static bool read_segment(CorrelatorObject *self, attached *from, feeding *to, uint64_t *events, bool *whole)
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
static PyObject *correlator_drain(CorrelatorObject *self, PyObject *number)
{
    attached *from = slot_of(self, PyLong_AsLong(number));
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
static PyObject *correlator_wait(CorrelatorObject *self, PyObject *args)
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
static PyObject *correlator_keeps_waiting(CorrelatorObject *self, PyObject *unused)
{
    (void)unused;
    for (uint32_t slot = 0; slot < self->slot_count; slot++) {
        const SegmentObject *segment = self->slots[slot].segment;
        if (segment && segment->segment.base && keeps_waiting(segment))
            Py_RETURN_TRUE;
    }
    Py_RETURN_FALSE;
}

static PyObject *correlator_abort(CorrelatorObject *self, PyObject *number)
{
    attached *from = slot_of(self, PyLong_AsLong(number));
    if (!from)
        return NULL;
    scope_correlator_abort(self->groups, (uint32_t)(from - self->slots));
    Py_RETURN_NONE;
}

/* ---- tuples ---- */

#define FIELDS                                                                                                        \
    "segment", "key", "state", "kind", "flags", "trace_id", "span_id", "remote_parent", "method", "path", "id",       \
        "route", "route_text", "status", "start_ns", "first_byte_ns", "response_end_ns", "end_ns", "outcome",         \
        "events", "spans", "errors", "lost", "complete", "bytes_in", "bytes_out", "messages_in", "messages_out",      \
        "sites", "notes", "blob", "pieces", "position", "late"

static const char *const field_names[] = {FIELDS};
enum { FIELD_COUNT = sizeof field_names / sizeof *field_names };

static PyObject *text_or(const char *text, PyObject *otherwise)
{
    return text ? PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace") : Py_NewRef(otherwise);
}

static PyObject *unsigned_of(uint64_t value)
{
    return PyLong_FromUnsignedLongLong(value);
}

static PyObject *unix_time(uint64_t monotonic_ns, int64_t offset_ns)
{
    return PyLong_FromLongLong(monotonic_ns ? (int64_t)(monotonic_ns + (uint64_t)offset_ns) : 0);
}

static PyObject *sites_of(const scope_group *group)
{
    PyObject *sites = PyTuple_New(group->site_count);
    for (uint32_t index = 0; sites && index < group->site_count; index++) {
        PyObject *site = PyLong_FromUnsignedLong(group->sites[index]);
        if (!site)
            Py_CLEAR(sites);
        else
            PyTuple_SET_ITEM(sites, index, site);
    }
    return sites;
}

static PyObject *notes_of(const scope_group *group)
{
    PyObject *notes = PyTuple_New(group->note_count);
    for (uint32_t index = 0; notes && index < group->note_count; index++) {
        const uint8_t *at = group->bytes + group->notes[index];
        PyObject *note = PyBytes_FromStringAndSize((const char *)at, (Py_ssize_t)scope_header_words(scope_load64(at)) * 8);
        if (!note)
            Py_CLEAR(notes);
        else
            PyTuple_SET_ITEM(notes, index, note);
    }
    return notes;
}

static PyObject *tuple_of(const attached *from, const scope_group *group, PyObject *empty)
{
    PyObject *row = PyTuple_New(FIELD_COUNT);
    Py_ssize_t at = 0;
    if (!row)
        return NULL;
#define PUT(value) PyTuple_SET_ITEM(row, at++, value)
    PUT(PyLong_FromLong(from->number));
    PUT(unsigned_of(group->key));
    PUT(PyLong_FromLong(group->state));
    PUT(PyLong_FromLong(group->kind));
    PUT(PyLong_FromLong(group->flags));
    PUT(PyBytes_FromStringAndSize((const char *)group->trace_id, sizeof group->trace_id));
    PUT(unsigned_of(group->span_id));
    PUT(unsigned_of(group->remote_parent));
    PUT(text_or(group->method, empty));
    PUT(text_or(group->path, empty));
    PUT(text_or(group->id, Py_None));
    PUT(unsigned_of(group->route_site));
    PUT(text_or(group->route, Py_None));
    PUT(unsigned_of(group->status));
    PUT(unix_time(group->start_ns, from->clock_offset_ns));
    PUT(unix_time(group->first_byte_ns, from->clock_offset_ns));
    PUT(unix_time(group->response_end_ns, from->clock_offset_ns));
    PUT(unix_time(group->end_ns, from->clock_offset_ns));
    PUT(PyLong_FromLong(group->outcome));
    PUT(unsigned_of(group->events));
    PUT(unsigned_of(group->spans));
    PUT(unsigned_of(group->errors));
    PUT(unsigned_of(group->lost));
    PUT(PyLong_FromLong(group->begun && group->ended && !group->inexact));
    PUT(unsigned_of(group->bytes_in));
    PUT(unsigned_of(group->bytes_out));
    PUT(unsigned_of(group->messages_in));
    PUT(unsigned_of(group->messages_out));
    PUT(sites_of(group));
    PUT(notes_of(group));
    PUT(PyBytes_FromStringAndSize((const char *)group->bytes, (Py_ssize_t)group->size));
    PUT(unsigned_of(group->pieces));
    PUT(unsigned_of(group->position));
    PUT(PyLong_FromLong(!group->begun));
#undef PUT
    for (at = 0; at < FIELD_COUNT; at++)
        if (!PyTuple_GET_ITEM(row, at)) {
            Py_DECREF(row);
            return NULL;
        }
    return row;
}

static PyObject *correlator_finished(CorrelatorObject *self, PyObject *number)
{
    attached *from = slot_of(self, PyLong_AsLong(number));
    return from ? PyLong_FromUnsignedLong(scope_correlator_finished(self->groups, (uint32_t)(from - self->slots))) : NULL;
}

/* take(limit, slot): finished requests as tuples of SUMMARY_FIELDS, of one segment where it is given. What is returned is no
 * longer held. */
static PyObject *correlator_take(CorrelatorObject *self, PyObject *args)
{
    long most, slot = -1;
    if (!PyArg_ParseTuple(args, "l|l:take", &most, &slot) || (slot != -1 && !slot_of(self, slot)))
        return NULL;
    PyObject *empty = PyUnicode_FromString("");
    PyObject *result = empty ? PyList_New(0) : NULL;
    for (long taken = 0; result && taken < most; taken++) {
        scope_group *group = slot == -1 ? scope_correlator_take(self->groups)
                                        : scope_correlator_take_of(self->groups, (uint32_t)slot);
        if (!group)
            break;
        PyObject *row = tuple_of(&self->slots[group->slot], group, empty);
        scope_group_free(self->groups, group);
        if (!row || PyList_Append(result, row) < 0)
            Py_CLEAR(result);
        Py_XDECREF(row);
    }
    Py_XDECREF(empty);
    return result;
}

/* take_open(): open requests that changed since they were last taken, also those of which the beginning is still to come:
 * the positions that are stored with them lie behind what was read of both. Their bytes are no longer held. */
static PyObject *correlator_take_open(CorrelatorObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *empty = PyUnicode_FromString("");
    PyObject *result = empty ? PyList_New(0) : NULL;
    for (scope_group *group = scope_correlator_first_open(self->groups); result && group; group = group->next) {
        if (!group->dirty)
            continue;
        PyObject *row = tuple_of(&self->slots[group->slot], group, empty);
        scope_group_flushed(self->groups, group);
        if (!row || PyList_Append(result, row) < 0)
            Py_CLEAR(result);
        Py_XDECREF(row);
    }
    Py_XDECREF(empty);
    return result;
}

/* restore(slot, key, piece): takes back a piece of an open request that an earlier collector stored. */
static PyObject *correlator_restore(CorrelatorObject *self, PyObject *args)
{
    long slot;
    unsigned long long key;
    const char *bytes;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "lKy#:restore", &slot, &key, &bytes, &size) || !slot_of(self, slot))
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
    attached *from = slot_of(self, PyLong_AsLong(slot));
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

static PyObject *correlator_statistics(CorrelatorObject *self, PyObject *unused)
{
    (void)unused;
    scope_correlator_statistics now = scope_correlator_read_statistics(self->groups);
    PyObject *result = PyDict_New();
    if (!result || scope_put_count(result, "events", now.events) < 0 || scope_put_count(result, "stray", now.stray) < 0
        || scope_put_count(result, "malformed", now.malformed) < 0 || scope_put_count(result, "finished", now.finished) < 0
        || scope_put_count(result, "open", now.open) < 0 || scope_put_count(result, "bytes", now.bytes) < 0
        || scope_put_count(result, "refused", now.refused) < 0 || scope_put_count(result, "standing", now.standing) < 0
        || scope_put_count(result, "cut", now.cut) < 0)
        Py_CLEAR(result);
    return result;
}

static PyMethodDef correlator_methods[] = {
    {"add", (PyCFunction)correlator_add, METH_VARARGS, "Read one more segment."},
    {"remove", (PyCFunction)correlator_remove, METH_O, "Forget a segment."},
    {"drain", (PyCFunction)correlator_drain, METH_O, "One pass over a segment: (events, whether it was whole)."},
    {"wait", (PyCFunction)correlator_wait, METH_VARARGS, "Sleep until a lane holds much that was not read."},
    {"keeps_waiting", (PyCFunction)correlator_keeps_waiting, METH_NOARGS, "Whether a writer waits for room."},
    {"abort", (PyCFunction)correlator_abort, METH_O, "The owner is dead: its open requests end here."},
    {"finished", (PyCFunction)correlator_finished, METH_O, "How many requests of a segment are finished."},
    {"take", (PyCFunction)correlator_take, METH_VARARGS, "Finished requests, at most so many, perhaps of one segment."},
    {"take_open", (PyCFunction)correlator_take_open, METH_NOARGS, "Open requests that changed."},
    {"restore", (PyCFunction)correlator_restore, METH_VARARGS, "Take back a stored piece of an open request."},
    {"sweep", (PyCFunction)correlator_sweep, METH_NOARGS, "End requests that cannot end by themselves."},
    {"losses", (PyCFunction)correlator_losses, METH_O, "Events lost in a segment, by reason."},
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
    PyObject *fields = scope_tuple_of_names(field_names, FIELD_COUNT);
    int failed = !fields || PyModule_AddObjectRef(module, "SUMMARY_FIELDS", fields) < 0;
    Py_XDECREF(fields);
    return failed ? -1 : 0;
}
