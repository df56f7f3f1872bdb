/* Segment: a traced process's shared memory as the collector reads it. */
#include <errno.h>

#include "../guard.h"
#include "../identity.h"
#include "readers.h"

PyTypeObject *SegmentType;

static int segment_allocate(SegmentObject *self)
{
    const scope_segment_header *header = &self->segment.header;
    self->lanes = PyMem_RawCalloc(header->lanes, sizeof *self->lanes);
    self->buffer = PyMem_RawMalloc(SCOPE_READ_BYTES);
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

bool scope_segment_is_open(SegmentObject *self)
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

PyObject *scope_cut_while_read(const SegmentObject *self)
{
    return PyErr_Format(PyExc_ValueError, "segment %R: cut, grown or hollowed out while it was read", self->path);
}

/* One word of shared memory into private memory; false where the file was cut. */
static bool load_shared(const scope_word *word, uint64_t *value)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    *value = scope_load_acquire(word);
    scope_guard_leave(&guard);
    return true;
}

static bool publish_shared(const scope_segment *segment, uint32_t lane, uint64_t head)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    scope_lane_publish(segment, lane, head);
    scope_guard_leave(&guard);
    return true;
}

static bool steer_shared(const scope_segment *segment, uint64_t word)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    scope_segment_steer(segment, word);
    scope_guard_leave(&guard);
    return true;
}

static bool copy_shared(uint8_t *to, const scope_word *from, uint64_t words)
{
    scope_guard guard;
    if (!scope_guard_enter(&guard))
        return false;
    scope_load_bytes(to, from, words);
    scope_guard_leave(&guard);
    return true;
}

/* Adds the entries that are whole in the private copy; 0, or -1 with an exception set. No writer makes more entries than
 * SCOPE_DEFINITIONS_MAX, and one more for the process; and none that is no longer than its frame. */
static int split_definitions(SegmentObject *self, PyObject *result, const uint8_t *entries, uint64_t size)
{
    uint32_t length;
    for (uint64_t at = 0;
         (length = scope_definition_length(entries + at, size - at)) && self->definitions_read <= SCOPE_DEFINITIONS_MAX;) {
        PyObject *entry = PyBytes_FromStringAndSize((const char *)entries + at, length);
        int failed = !entry || PyList_Append(result, entry) < 0;
        Py_XDECREF(entry);
        if (failed)
            return -1;
        at += length;
        self->definitions_at += length;
        self->definitions_read++;
    }
    return 0;
}

/* definitions(): the entries that came since the last call, each as bytes, header included. */
static PyObject *segment_definitions(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    uint64_t tail;
    if (!scope_segment_is_open(self))
        return NULL;
    /* pairs with the release store in scope_define(); the lanes' tails were loaded before */
    if (!load_shared(&self->segment.control->definitions_tail, &tail))
        return scope_cut_while_read(self);
    if (tail > self->segment.header.definitions_bytes || tail % 8)
        self->definitions_damaged = true;
    if (self->definitions_damaged || tail <= self->definitions_at)
        return PyList_New(0);
    PyObject *result = PyList_New(0);
    while (result && self->definitions_at < tail && !self->definitions_damaged) {
        uint64_t before = self->definitions_at, size = tail - before;
        size = size < SCOPE_READ_BYTES ? size : SCOPE_READ_BYTES;
        if (!copy_shared(self->buffer, self->segment.definitions + before / 8, size / 8)) {
            Py_CLEAR(result);
            scope_cut_while_read(self);
        } else if (split_definitions(self, result, self->buffer, size) < 0)
            Py_CLEAR(result);
        /* it ends at damage, for the numbers of what follows would be off */
        self->definitions_damaged = self->definitions_at == before;
    }
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
    PyObject *fast = scope_segment_is_open(self) ? PySequence_Tuple(heads) : NULL;
    if (!fast)
        return NULL;
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(fast); index += 2) {
        uint64_t head = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(fast, index));
        if (PyErr_Occurred() || index / 2 >= (Py_ssize_t)self->segment.header.lanes)
            break;
        if (!publish_shared(&self->segment, (uint32_t)(index / 2), head)) {
            scope_cut_while_read(self);
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
    if ((word == (unsigned long long)-1 && PyErr_Occurred()) || !scope_segment_is_open(self))
        return NULL;
    if (!steer_shared(&self->segment, word))
        return scope_cut_while_read(self);
    Py_RETURN_NONE;
}

int scope_put_count(PyObject *to, const char *name, uint64_t value)
{
    PyObject *number = PyLong_FromUnsignedLongLong(value);
    int failed = !number || PyDict_SetItemString(to, name, number) < 0;
    Py_XDECREF(number);
    return failed ? -1 : 0;
}

static PyObject *segment_statistics(SegmentObject *self, PyObject *unused)
{
    (void)unused;
    uint64_t unread = 0, owned = 0, fullest = 0, quarantined = 0;
    if (!scope_segment_is_open(self))
        return NULL;
    for (uint32_t lane = 0; lane < self->segment.header.lanes; lane++) {
        scope_lane_control *control = &self->segment.lanes[lane];
        uint64_t tail, ownership;
        if (!load_shared(&control->tail, &tail) || !load_shared(&control->ownership, &ownership))
            return scope_cut_while_read(self);
        uint64_t behind = tail > self->lanes[lane].head ? tail - self->lanes[lane].head : 0;
        uint64_t fill = behind * 100 / scope_lane_bytes(&self->segment.header, lane);
        owned += scope_lane_state(ownership) == SCOPE_LANE_OWNED;
        unread += behind;
        fullest = fill > fullest ? fill : fullest;
        quarantined += self->lanes[lane].quarantined;
    }
    PyObject *result = PyDict_New();
    if (!result || scope_put_count(result, "unread_bytes", unread) < 0 || scope_put_count(result, "lanes_owned", owned) < 0
        || scope_put_count(result, "fullest_percent", fullest) < 0 || scope_put_count(result, "quarantined_blocks", quarantined) < 0
        || scope_put_count(result, "definitions", self->definitions_read) < 0
        || scope_put_count(result, "definitions_damaged", self->definitions_damaged) < 0
        || scope_put_count(result, "size_bytes", self->segment.header.size) < 0)
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
    {"losses", (PyCFunction)scope_segment_losses, METH_NOARGS, "Events lost by the writers' own count, by reason."},
    {"told", (PyCFunction)scope_segment_told, METH_NOARGS, "Losses that the correlator told of, as (lane, reason, events)."},
    {"restore_told", (PyCFunction)scope_segment_restore_told, METH_O, "Take as told of what an earlier collector told of."},
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

PyObject *scope_tuple_of_names(const char *const *names, Py_ssize_t count)
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

int scope_add_segment(PyObject *module)
{
    SegmentType = (PyTypeObject *)PyType_FromModuleAndSpec(module, &segment_spec, NULL);
    if (!SegmentType || PyModule_AddType(module, SegmentType) < 0)
        return -1;
    PyObject *reasons = scope_tuple_of_names(scope_loss_names, SCOPE_LOSS_REASONS);
    int failed = !reasons || PyModule_AddObjectRef(module, "LOSS_REASONS", reasons) < 0;
    Py_XDECREF(reasons);
    return failed ? -1 : 0;
}
