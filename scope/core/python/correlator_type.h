/* The Correlator type, and its methods that are written elsewhere. */
#ifndef SCOPE_CORRELATOR_TYPE_H
#define SCOPE_CORRELATOR_TYPE_H

#include "../correlate.h"
#include "readers.h"

typedef struct {
    SegmentObject *segment; /* strong; NULL: free */
    int64_t clock_offset_ns; /* realtime - monotonic */
    long number; /* the caller's */
    uint32_t next_lane; /* where a pass that was stopped goes on */
    uint64_t target; /* up to where it reads that lane; 0: not begun */
} scope_attached;

typedef struct {
    PyObject_HEAD
    scope_correlator *groups;
    scope_attached *slots;
    uint32_t slot_count;
    uint64_t pass_bytes;
} CorrelatorObject;

/* What the caller's `slot` stands for; NULL with an exception set. */
scope_attached *scope_correlator_slot(CorrelatorObject *self, long slot);

/* ---- drain.c ---- */
PyObject *scope_drain(CorrelatorObject *self, PyObject *slot);

/* ---- fullness.c ---- */
PyObject *scope_wait_for_fullness(CorrelatorObject *self, PyObject *args);
PyObject *scope_keeps_waiting(CorrelatorObject *self, PyObject *unused);

/* ---- request_rows.c ---- */
PyObject *scope_take_rows(CorrelatorObject *self, PyObject *args);
PyObject *scope_take_open_rows(CorrelatorObject *self, PyObject *unused);

/* ---- process_rows.c ---- */
PyObject *scope_take_process_rows(CorrelatorObject *self, PyObject *slot);
PyObject *scope_latest_event(CorrelatorObject *self, PyObject *slot);

/* SUMMARY_FIELDS: the names of what a row holds, in order. NULL with an exception set. */
PyObject *scope_row_fields(void);

#endif
