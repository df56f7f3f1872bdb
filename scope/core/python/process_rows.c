/* Correlator.take_process() and latest(): what a process did, apart from its requests. */
#include "../process_log.h"
#include "correlator_type.h"

static PyObject *row_of(const scope_process_record *record)
{
    PyObject *records = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(record->introduction_words + record->words) * 8);
    if (!records)
        return NULL;
    char *at = PyBytes_AS_STRING(records);
    if (record->introduction)
        memcpy(at, record->introduction, record->introduction_words * 8);
    memcpy(at + record->introduction_words * 8, record->record, record->words * 8);
    return Py_BuildValue("KKN", (unsigned long long)record->lane, (unsigned long long)record->position, records);
}

/* take_process(slot): a list of (lane, position, records) since the last call: the lane's LANE record, where it is known, and
 * the event's. What is returned is no longer held. */
PyObject *scope_take_process_rows(CorrelatorObject *self, PyObject *slot)
{
    scope_attached *from = scope_correlator_slot(self, PyLong_AsLong(slot));
    PyObject *rows = from ? PyList_New(0) : NULL;
    if (!rows)
        return NULL;
    scope_process_log *log = scope_correlator_log(self->groups, (uint32_t)(from - self->slots));
    scope_process_record record;
    for (size_t at = 0; rows && scope_process_log_next(log, &at, &record);) {
        PyObject *row = row_of(&record);
        if (!row || PyList_Append(rows, row) < 0)
            Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    if (rows)
        scope_process_log_clear(log);
    return rows;
}

/* latest(slot): Unix time in ns of the latest event that was read of a segment; 0 before the first. */
PyObject *scope_latest_event(CorrelatorObject *self, PyObject *slot)
{
    scope_attached *from = scope_correlator_slot(self, PyLong_AsLong(slot));
    if (!from)
        return NULL;
    uint64_t latest_ns = scope_correlator_latest(self->groups, (uint32_t)(from - self->slots));
    return PyLong_FromLongLong(latest_ns ? (int64_t)(latest_ns + (uint64_t)from->clock_offset_ns) : 0);
}
