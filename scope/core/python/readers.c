/* Segment and Correlator: what the collector process uses of the core. */
#include <errno.h>

#include "../clock.h"
#include "../correlate.h"
#include "../guard.h"
#include "../identity.h"
#include "../reader.h"
#include "runtime.h"

static PyTypeObject *SegmentType, *CorrelatorType;

typedef struct {
    PyObject_HEAD
    scope_segment segment;
    scope_lane_reader *lanes;
    uint8_t *buffer; /* as large as the largest lane */
    uint64_t definitions_at;
    uint64_t definitions_read;
    bool definitions_damaged;
    PyObject *path;
} SegmentObject;

/* ---- Segment ---- */

static int segment_allocate(SegmentObject *self)
{
    const scope_segment_header *header = &self->segment.header;
    uint64_t largest = header->first_lane_bytes > header->lane_bytes ? header->first_lane_bytes : header->lane_bytes;
    self->lanes = PyMem_RawCalloc(header->lanes, sizeof *self->lanes);
    self->buffer = PyMem_RawMalloc(largest);
    if (!self->lanes || !self->buffer) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static PyObject *segment_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *path;
    const char *fault;
    static char *names[] = {"", NULL}; /* positional only */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:Segment", names, &path))
        return NULL;
    SegmentObject *self = (SegmentObject *)type->tp_alloc(type, 0);
    PyObject *encoded;
    if (!self || !PyUnicode_FSConverter(path, &encoded)) {
        Py_XDECREF(self);
        return NULL;
    }
    self->path = Py_NewRef(path);
    self->segment.fd = -1;
    int opened = scope_segment_open(&self->segment, PyBytes_AS_STRING(encoded), &fault);
    Py_DECREF(encoded);
    if (opened == -1)
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
    else if (opened == -2)
        PyErr_Format(PyExc_ValueError, "segment %R: %s", path, fault);
    else if (segment_allocate(self) == 0)
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static PyObject *segment_close(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    scope_segment_close(&self->segment);
    Py_RETURN_NONE;
}

static void segment_dealloc(SegmentObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    scope_segment_close(&self->segment);
    PyMem_RawFree(self->lanes);
    PyMem_RawFree(self->buffer);
    Py_XDECREF(self->path);
    type->tp_free(self);
    Py_DECREF(type);
}

static bool segment_is_open(SegmentObject *self)
{
    if (self->segment.base)
        return true;
    PyErr_Format(PyExc_ValueError, "segment %R is closed", self->path);
    return false;
}

static PyObject *segment_alive(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    const scope_segment_header *header = &self->segment.header;
    scope_identity owner = {header->pid, header->start_ticks, header->pid_namespace, {0}};
    memcpy(owner.boot_id, header->boot_id, sizeof owner.boot_id);
    return PyBool_FromLong(scope_identity_alive(&owner));
}

static PyObject *cut_while_read(const SegmentObject *self)
{
    return PyErr_Format(PyExc_ValueError, "segment %R: cut or grown while it was read", self->path);
}

/* One word of shared memory into private memory; false where the file was cut. */
static bool load_shared(const _Atomic uint64_t *word, uint64_t *value)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    *value = atomic_load_explicit(word, memory_order_acquire);
    scope_guard_leave(&guard);
    return true;
}

static bool store_shared(_Atomic uint64_t *word, uint64_t value)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    atomic_store_explicit(word, value, memory_order_release);
    scope_guard_leave(&guard);
    return true;
}

static bool copy_shared(uint8_t *to, const uint8_t *from, size_t size)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    memcpy(to, from, size);
    scope_guard_leave(&guard);
    return true;
}

/* Whether the entry at `at` is framed within `size`; its length, or 0. */
static uint32_t entry_length(const uint8_t *entries, uint64_t at, uint64_t size)
{
    uint32_t length;
    if (size - at < 8)
        return 0;
    memcpy(&length, entries + at, sizeof length);
    return length >= 8 && length % 8 == 0 && length <= size - at ? length : 0;
}

/* The entries in the private copy, as a list of bytes; it ends at damage, for the numbers of what follows would be off. */
static PyObject *split_definitions(SegmentObject *self, const uint8_t *entries, uint64_t size)
{
    PyObject *result = PyList_New(0);
    for (uint64_t at = 0; result && at < size;) {
        uint32_t length = entry_length(entries, at, size);
        if (!length) {
            self->definitions_damaged = true;
            break;
        }
        PyObject *entry = PyBytes_FromStringAndSize((const char *)entries + at, length);
        if (!entry || PyList_Append(result, entry) < 0)
            Py_CLEAR(result);
        Py_XDECREF(entry);
        at += length;
        self->definitions_at += length;
        self->definitions_read++;
    }
    return result;
}

/* definitions(): the entries that came since the last call, each as bytes, header included. */
static PyObject *segment_definitions(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    uint64_t tail;
    if (!segment_is_open(self))
        return NULL;
    /* pairs with the release store in scope_define(); the lanes' tails were loaded before */
    if (!load_shared(&self->segment.control->definitions_tail, &tail))
        return cut_while_read(self);
    if (tail > self->segment.header.definitions_bytes)
        self->definitions_damaged = true;
    if (self->definitions_damaged || tail <= self->definitions_at)
        return PyList_New(0);
    uint64_t size = tail - self->definitions_at;
    uint8_t *entries = PyMem_RawMalloc(size);
    if (!entries)
        return PyErr_NoMemory();
    PyObject *result = copy_shared(entries, self->segment.definitions + self->definitions_at, size)
                           ? split_definitions(self, entries, size)
                           : cut_while_read(self);
    PyMem_RawFree(entries);
    return result;
}

/* Lanes up to the last one that anything was read from. */
static uint32_t used_lanes(const SegmentObject *self)
{
    uint32_t used = 0;
    for (uint32_t lane = 0; lane < self->segment.header.lanes; lane++)
        if (self->lanes[lane].head)
            used = lane + 1;
    return used;
}

/* heads(): per lane its head and one more than the number of its next event; 0 where that is not known. */
static PyObject *segment_heads(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    uint32_t used = used_lanes(self);
    PyObject *result = PyTuple_New(2 * (Py_ssize_t)used);
    for (uint32_t lane = 0; result && lane < used; lane++) {
        uint64_t sequence = self->lanes[lane].sequence;
        PyObject *head = PyLong_FromUnsignedLongLong(self->lanes[lane].head);
        PyObject *next = PyLong_FromUnsignedLongLong(sequence == SCOPE_SEQUENCE_UNKNOWN ? 0 : sequence + 1);
        if (!head || !next) {
            Py_XDECREF(head);
            Py_XDECREF(next);
            Py_CLEAR(result);
            break;
        }
        PyTuple_SET_ITEM(result, 2 * lane, head);
        PyTuple_SET_ITEM(result, 2 * lane + 1, next);
    }
    return result;
}

static PyObject *segment_restore_heads(SegmentObject *self, PyObject *heads)
{
    PyObject *fast = PySequence_Tuple(heads);
    if (!fast)
        return NULL;
    for (Py_ssize_t index = 0; index + 1 < PyTuple_GET_SIZE(fast); index += 2) {
        if (index / 2 >= (Py_ssize_t)self->segment.header.lanes)
            break;
        long long head = PyLong_AsLongLong(PyTuple_GET_ITEM(fast, index));
        long long next = PyLong_AsLongLong(PyTuple_GET_ITEM(fast, index + 1));
        if (PyErr_Occurred() || head < 0 || head % 8) {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "segment %R: %lld is no head", self->path, head);
            Py_DECREF(fast);
            return NULL;
        }
        self->lanes[index / 2].head = self->lanes[index / 2].seen_tail = (uint64_t)head;
        self->lanes[index / 2].sequence = next <= 0 ? SCOPE_SEQUENCE_UNKNOWN : (uint64_t)next - 1;
    }
    Py_DECREF(fast);
    Py_RETURN_NONE;
}

/* publish_heads(heads): what heads() gave when the batch that is now stored was made. */
static PyObject *segment_publish_heads(SegmentObject *self, PyObject *heads)
{
    PyObject *fast = segment_is_open(self) ? PySequence_Tuple(heads) : NULL;
    if (!fast)
        return NULL;
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(fast); index += 2) {
        uint64_t head = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(fast, index));
        if (PyErr_Occurred() || index / 2 >= (Py_ssize_t)self->segment.header.lanes)
            break;
        /* pairs with the acquire load in own_block(): the bytes below are copied */
        if (!store_shared(&self->segment.lanes[index / 2].head, head)) {
            cut_while_read(self);
            break;
        }
    }
    Py_DECREF(fast);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *segment_set_control(SegmentObject *self, PyObject *value)
{
    unsigned long long word = PyLong_AsUnsignedLongLong(value);
    if ((word == (unsigned long long)-1 && PyErr_Occurred()) || !segment_is_open(self))
        return NULL;
    if (!store_shared(&self->segment.control->control, word))
        return cut_while_read(self);
    Py_RETURN_NONE;
}

static const char *const loss_names[SCOPE_LOSS_REASONS] = {"lapped",  "full",     "no_lane",          "reentrant",
                                                           "too_big", "no_space", "definitions_full", "forked"};

static int put_count(PyObject *to, const char *name, uint64_t value)
{
    PyObject *number = PyLong_FromUnsignedLongLong(value);
    int failed = !number || PyDict_SetItemString(to, name, number) < 0;
    Py_XDECREF(number);
    return failed ? -1 : 0;
}

/* What the writers counted, by reason; false where the file was cut. */
static bool sum_losses(const scope_segment *segment, uint64_t lost[SCOPE_LOSS_REASONS])
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++)
        lost[reason] = atomic_load_explicit(&segment->control->lost[reason], memory_order_relaxed);
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++)
        for (int reason = 0; reason < SCOPE_LOSS_REASONS; reason++)
            lost[reason] += atomic_load_explicit(&segment->lanes[lane].lost[reason], memory_order_relaxed);
    scope_guard_leave(&guard);
    return true;
}

/* losses(): events that writers counted as lost, by reason. What a reader finds lapped is the correlator's to count. */
static PyObject *segment_losses(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    uint64_t lost[SCOPE_LOSS_REASONS];
    if (!segment_is_open(self))
        return NULL;
    if (!sum_losses(&self->segment, lost))
        return cut_while_read(self);
    PyObject *result = PyDict_New();
    for (int reason = 0; result && reason < SCOPE_LOSS_REASONS; reason++)
        if (put_count(result, loss_names[reason], lost[reason]) < 0)
            Py_CLEAR(result);
    return result;
}

static PyObject *segment_statistics(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    uint64_t unread = 0, owned = 0, fullest = 0, quarantined = 0;
    if (!segment_is_open(self))
        return NULL;
    for (uint32_t lane = 0; lane < self->segment.header.lanes; lane++) {
        scope_lane_control *control = &self->segment.lanes[lane];
        uint64_t tail, ownership;
        if (!load_shared(&control->tail, &tail) || !load_shared(&control->ownership, &ownership))
            return cut_while_read(self);
        uint64_t behind = tail > self->lanes[lane].head ? tail - self->lanes[lane].head : 0;
        uint64_t fill = behind * 100 / scope_lane_bytes(&self->segment.header, lane);
        owned += scope_lane_state(ownership) == SCOPE_LANE_OWNED;
        unread += behind;
        fullest = fill > fullest ? fill : fullest;
        quarantined += self->lanes[lane].quarantined;
    }
    PyObject *result = PyDict_New();
    if (!result || put_count(result, "unread_bytes", unread) < 0 || put_count(result, "lanes_owned", owned) < 0
        || put_count(result, "fullest_percent", fullest) < 0 || put_count(result, "quarantined_blocks", quarantined) < 0
        || put_count(result, "definitions", self->definitions_read) < 0
        || put_count(result, "definitions_damaged", self->definitions_damaged) < 0
        || put_count(result, "size_bytes", self->segment.header.size) < 0)
        Py_CLEAR(result);
    return result;
}

static PyObject *segment_uuid(SegmentObject *self, void *unused)
{
    (void)unused;
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)self->segment.header.uuid, 16);
    PyObject *hex = bytes ? PyObject_CallMethod(bytes, "hex", NULL) : NULL;
    Py_XDECREF(bytes);
    return hex;
}

static PyObject *segment_clocks(SegmentObject *self, void *unused)
{
    (void)unused;
    const scope_segment_header *header = &self->segment.header;
    return Py_BuildValue("KKK", (unsigned long long)header->monotonic_ns, (unsigned long long)header->boottime_ns,
                         (unsigned long long)header->realtime_ns);
}

static PyObject *segment_pid(SegmentObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(self->segment.header.pid);
}

static PyObject *segment_start_ticks(SegmentObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(self->segment.header.start_ticks);
}

static PyMethodDef segment_methods[] = {
    {"alive", (PyCFunction)segment_alive, METH_NOARGS, "False once the owner is proven dead."},
    {"definitions", (PyCFunction)segment_definitions, METH_NOARGS, "Definition entries since the last call."},
    {"heads", (PyCFunction)segment_heads, METH_NOARGS, "Per lane: position read up to, number of the next event."},
    {"restore_heads", (PyCFunction)segment_restore_heads, METH_O, "Go on where an earlier collector stopped."},
    {"publish_heads", (PyCFunction)segment_publish_heads, METH_O, "Tell the writers what is stored."},
    {"set_control", (PyCFunction)segment_set_control, METH_O, "Write the control word."},
    {"losses", (PyCFunction)segment_losses, METH_NOARGS, "Events lost by the writers' own count, by reason."},
    {"statistics", (PyCFunction)segment_statistics, METH_NOARGS, "Fill, lanes and damage."},
    {"close", (PyCFunction)segment_close, METH_NOARGS, "Unmap."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef segment_members[] = {
    {"path", T_OBJECT, offsetof(SegmentObject, path), READONLY, "The file."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef segment_getters[] = {
    {"uuid", (getter)segment_uuid, NULL, "32 hex digits.", NULL},
    {"pid", (getter)segment_pid, NULL, "The owner's pid.", NULL},
    {"start_ticks", (getter)segment_start_ticks, NULL, "The owner's start, in ticks since boot.", NULL},
    {"clocks", (getter)segment_clocks, NULL, "(monotonic, boottime, realtime) in ns, read together.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot segment_slots[] = {
    {Py_tp_doc, "A segment mapped for reading."},
    {Py_tp_new, segment_new},
    {Py_tp_dealloc, segment_dealloc},
    {Py_tp_methods, segment_methods},
    {Py_tp_members, segment_members},
    {Py_tp_getset, segment_getters},
    {0, NULL},
};

static PyType_Spec segment_spec = {
    .name = "scope._core.Segment",
    .basicsize = sizeof(SegmentObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = segment_slots,
};

/* ---- Correlator ---- */

typedef struct {
    SegmentObject *segment; /* strong; NULL: free */
    uint64_t lost[SCOPE_LOSS_REASONS]; /* found by the reader: lapped; told by GAPs: full */
    uint64_t counted; /* writers' losses that no GAP tells of, as of the last pass */
    uint64_t noted; /* losses in full rings that were noted by their count, whose GAP is still to come if ever */
    bool met; /* the counts were looked at */
    int64_t clock_offset_ns; /* realtime - monotonic */
    long number; /* the caller's */
    uint32_t next_lane; /* where a pass that was stopped goes on */
} attached;

typedef struct {
    PyObject_HEAD
    scope_correlator *groups;
    attached *slots;
    uint32_t slot_count;
    uint64_t max_bytes;
} CorrelatorObject;

typedef struct {
    CorrelatorObject *self;
    uint32_t slot;
    uint64_t now_ns;
} feeding;

static PyObject *correlator_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"max_bytes", NULL};
    unsigned long long max_bytes = 32 << 20;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$K:Correlator", names, &max_bytes))
        return NULL;
    if (scope_guard_install() < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    CorrelatorObject *self = (CorrelatorObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->max_bytes = max_bytes;
    self->groups = scope_correlator_new();
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
    if (!PyArg_ParseTuple(args, "O!l:add", SegmentType, &segment, &number) || !segment_is_open(segment))
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
    attached *from = &to->self->slots[to->slot];
    (void)lane;
    from->lost[reason] += events;
    if (reason == SCOPE_LOST_FULL) {
        uint64_t noted = events < from->noted ? events : from->noted;
        from->noted -= noted;
        events -= noted;
    }
    if (events)
        scope_correlator_lose(to->self->groups, to->slot, time_ns, events, reason);
}

static uint64_t counted_by_lanes(const scope_segment *segment, enum scope_loss reason)
{
    uint64_t counted = 0;
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++)
        counted += atomic_load_explicit(&segment->lanes[lane].lost[reason], memory_order_relaxed);
    return counted;
}

/* What the writers counted and no GAP ever tells of. Definitions that found no room lose no event. */
static uint64_t counted_in_silence(const scope_segment *segment)
{
    static const enum scope_loss reasons[] = {SCOPE_LOST_NO_LANE, SCOPE_LOST_REENTRANT, SCOPE_LOST_TOO_BIG, SCOPE_LOST_NO_SPACE,
                                              SCOPE_LOST_FORKED};
    uint64_t counted = 0;
    for (size_t index = 0; index < sizeof reasons / sizeof *reasons; index++)
        counted += atomic_load_explicit(&segment->control->lost[reasons[index]], memory_order_relaxed)
                   + counted_by_lanes(segment, reasons[index]);
    return counted;
}

/* Where an earlier collector had come, it also told of what was lost until then. */
static void meet_losses(attached *from)
{
    const scope_segment *segment = &from->segment->segment;
    bool begun = false;
    for (uint32_t lane = 0; lane < segment->header.lanes; lane++)
        if (from->segment->lanes[lane].head) {
            from->lost[SCOPE_LOST_FULL] += atomic_load_explicit(&segment->lanes[lane].lost[SCOPE_LOST_FULL],
                                                                memory_order_relaxed);
            begun = true;
        }
    from->counted = begun ? counted_in_silence(segment) : 0;
    from->met = true;
}

/* Losses that leave no trace in a ring, or none yet: they touch every request of the process that is not handed over. A full
 * ring's GAP is written before its next event, and never if there is none. */
static void note_silent_losses(CorrelatorObject *self, uint32_t slot, uint64_t now_ns)
{
    attached *from = &self->slots[slot];
    const scope_segment *segment = &from->segment->segment;
    uint64_t counted = counted_in_silence(segment);
    uint64_t full = counted_by_lanes(segment, SCOPE_LOST_FULL), told = from->lost[SCOPE_LOST_FULL] + from->noted;
    if (counted > from->counted)
        scope_correlator_lose(self->groups, slot, now_ns, counted - from->counted, SCOPE_LOST_NO_LANE);
    from->counted = counted;
    if (full > told) {
        scope_correlator_lose(self->groups, slot, now_ns, full - told, SCOPE_LOST_FULL);
        from->noted += full - told;
    }
}

static bool has_news(const SegmentObject *segment, uint32_t lane)
{
    return atomic_load_explicit(&segment->segment.lanes[lane].tail, memory_order_relaxed) != segment->lanes[lane].head;
}

/* Reads lanes from where the last pass stopped; false where the correlator is full and a lane has more. */
static bool read_lanes(CorrelatorObject *self, attached *from, feeding *to, uint64_t *events)
{
    SegmentObject *segment = from->segment;
    scope_sink sink = {to, on_record, on_lost};
    for (; from->next_lane < segment->segment.header.lanes; from->next_lane++) {
        uint32_t lane = from->next_lane;
        if (!has_news(segment, lane))
            continue;
        if (scope_correlator_read_statistics(self->groups).bytes > self->max_bytes)
            return false;
        *events += scope_lane_read(&segment->segment, lane, &segment->lanes[lane], segment->buffer, &sink);
    }
    from->next_lane = 0;
    return true;
}

/* One pass: false where the file was cut meanwhile. */
static bool read_segment(CorrelatorObject *self, attached *from, feeding *to, uint64_t *events, bool *whole)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    if (!from->met)
        meet_losses(from);
    *whole = read_lanes(self, from, to, events);
    if (*whole)
        note_silent_losses(self, to->slot, to->now_ns);
    scope_guard_leave(&guard);
    return true;
}

/* drain(slot): one pass over the segment's lanes. Returns (events read, whether the pass is whole). A full correlator stops
 * it between lanes: hand over what it holds, then drain again. */
static PyObject *correlator_drain(CorrelatorObject *self, PyObject *number)
{
    attached *from = slot_of(self, PyLong_AsLong(number));
    if (!from || !segment_is_open(from->segment))
        return NULL;
    feeding to = {self, (uint32_t)(from - self->slots), scope_clock_now()};
    uint64_t events = 0;
    bool whole;
    if (!scope_segment_whole(&from->segment->segment) || !read_segment(self, from, &to, &events, &whole))
        return cut_while_read(from->segment);
    if (whole)
        scope_correlator_pass(self->groups, to.slot);
    return Py_BuildValue("KO", (unsigned long long)events, whole ? Py_True : Py_False);
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
    return PyLong_FromLongLong(monotonic_ns ? (int64_t)monotonic_ns + offset_ns : 0);
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

/* take(limit): finished requests as tuples of SUMMARY_FIELDS. What is returned is no longer held. */
static PyObject *correlator_take(CorrelatorObject *self, PyObject *limit)
{
    long most = PyLong_AsLong(limit);
    if (most == -1 && PyErr_Occurred())
        return NULL;
    PyObject *empty = PyUnicode_FromString("");
    PyObject *result = empty ? PyList_New(0) : NULL;
    for (long taken = 0; result && taken < most; taken++) {
        scope_group *group = scope_correlator_take(self->groups);
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

/* take_open(): open requests that changed since they were last taken; their bytes are no longer held. */
static PyObject *correlator_take_open(CorrelatorObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *empty = PyUnicode_FromString("");
    PyObject *result = empty ? PyList_New(0) : NULL;
    for (scope_group *group = scope_correlator_first_open(self->groups); result && group; group = group->next) {
        if (!group->dirty || scope_group_awaited(self->groups, group))
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

/* losses(slot): the writers' own counts, with what this reader found lapped. */
static PyObject *correlator_losses(CorrelatorObject *self, PyObject *slot)
{
    attached *from = slot_of(self, PyLong_AsLong(slot));
    PyObject *result = from ? segment_losses(from->segment, NULL) : NULL;
    if (result && put_count(result, loss_names[SCOPE_LOST_LAPPED], from->lost[SCOPE_LOST_LAPPED]) < 0)
        Py_CLEAR(result);
    return result;
}

static PyObject *correlator_statistics(CorrelatorObject *self, PyObject *unused)
{
    (void)unused;
    scope_correlator_statistics now = scope_correlator_read_statistics(self->groups);
    PyObject *result = PyDict_New();
    if (!result || put_count(result, "events", now.events) < 0 || put_count(result, "stray", now.stray) < 0
        || put_count(result, "malformed", now.malformed) < 0 || put_count(result, "finished", now.finished) < 0
        || put_count(result, "open", now.open) < 0 || put_count(result, "bytes", now.bytes) < 0
        || put_count(result, "refused", now.refused) < 0)
        Py_CLEAR(result);
    return result;
}

static PyMethodDef correlator_methods[] = {
    {"add", (PyCFunction)correlator_add, METH_VARARGS, "Read one more segment."},
    {"remove", (PyCFunction)correlator_remove, METH_O, "Forget a segment."},
    {"drain", (PyCFunction)correlator_drain, METH_O, "One pass over a segment: (events, whether it was whole)."},
    {"abort", (PyCFunction)correlator_abort, METH_O, "The owner is dead: its open requests end here."},
    {"take", (PyCFunction)correlator_take, METH_O, "Finished requests, at most so many."},
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

static PyObject *tuple_of_names(const char *const *names, Py_ssize_t count)
{
    PyObject *result = PyTuple_New(count);
    for (Py_ssize_t index = 0; result && index < count; index++) {
        PyObject *name = PyUnicode_FromString(names[index]);
        if (!name)
            Py_CLEAR(result);
        else
            PyTuple_SET_ITEM(result, index, name);
    }
    return result;
}

int scope_add_readers(PyObject *module)
{
    SegmentType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &segment_spec, NULL);
    CorrelatorType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &correlator_spec, NULL);
    if (!SegmentType || !CorrelatorType || PyModule_AddType(module, SegmentType) < 0
        || PyModule_AddType(module, CorrelatorType) < 0)
        return -1;
    PyObject *fields = tuple_of_names(field_names, FIELD_COUNT);
    PyObject *reasons = tuple_of_names(loss_names, SCOPE_LOSS_REASONS);
    int failed = !fields || !reasons || PyModule_AddObjectRef(module, "SUMMARY_FIELDS", fields) < 0
                 || PyModule_AddObjectRef(module, "LOSS_REASONS", reasons) < 0;
    Py_XDECREF(fields);
    Py_XDECREF(reasons);
    return failed ? -1 : 0;
}
