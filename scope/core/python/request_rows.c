/* Correlator.take() and take_open(): requests as tuples. */
#include "correlator_type.h"

#define FIELDS                                                                                                        \
    "segment", "key", "state", "kind", "flags", "trace_id", "span_id", "remote_parent", "method", "path", "id",       \
        "route", "route_text", "status", "start_ns", "first_byte_ns", "response_end_ns", "end_ns", "outcome",         \
        "events", "spans", "errors", "lost", "complete", "tracing_ns", "bytes_in", "bytes_out", "messages_in",        \
        "messages_out", "loop_wait_ns", "thread_wait_ns", "longest_step_ns", "sites", "notes", "blob", "pieces",      \
        "position", "late"

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

static PyObject *tuple_of(const scope_attached *from, const scope_group *group, PyObject *empty)
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
    PUT(unsigned_of(group->costs.all_ps / 1000));
    PUT(unsigned_of(group->bytes_in));
    PUT(unsigned_of(group->bytes_out));
    PUT(unsigned_of(group->messages_in));
    PUT(unsigned_of(group->messages_out));
    PUT(unsigned_of(group->steps.loop_wait_ns));
    PUT(unsigned_of(group->steps.thread_wait_ns));
    PUT(unsigned_of(group->steps.longest_ns));
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

/* take(limit, slot): finished requests as tuples of SUMMARY_FIELDS, of one segment where it is given. What is returned is no
 * longer held. */
PyObject *scope_take_rows(CorrelatorObject *self, PyObject *args)
{
    long most, slot = -1;
    if (!PyArg_ParseTuple(args, "l|l:take", &most, &slot) || (slot != -1 && !scope_correlator_slot(self, slot)))
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
PyObject *scope_take_open_rows(CorrelatorObject *self, PyObject *unused)
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

PyObject *scope_row_fields(void)
{
    return scope_tuple_of_names(field_names, FIELD_COUNT);
}
