/* What the collector process uses of the core: Segment (segment_type.c) and Correlator (correlator_type.c). */
#ifndef SCOPE_READERS_H
#define SCOPE_READERS_H

#include "../reader.h"
#include "runtime.h"

typedef struct {
    PyObject_HEAD
    scope_segment segment;
    scope_lane_reader *lanes;
    uint64_t told[SCOPE_LOSS_SLOTS]; /* events lost that no lane could count and that were told of, by reason */
    uint8_t *buffer; /* of SCOPE_READ_BYTES */
    uint64_t definitions_at;
    uint64_t definitions_read;
    bool definitions_damaged;
    PyObject *path;
} SegmentObject;

extern PyTypeObject *SegmentType;
int scope_add_segment(PyObject *module);
int scope_add_correlator(PyObject *module);
int scope_add_bundle(PyObject *module);
int scope_add_columns(PyObject *module);

/* Whether the segment is open; a ValueError is set where not. */
bool scope_segment_is_open(SegmentObject *self);

/* Events that the writers counted as lost, by reason: a new dict. */
PyObject *scope_segment_losses(SegmentObject *self, PyObject *unused);

/* What requests were told of what was lost, row by row, and the way back after a restart: losses.c. */
PyObject *scope_segment_told(SegmentObject *self, PyObject *unused);
PyObject *scope_segment_restore_told(SegmentObject *self, PyObject *rows);

/* Sets the ValueError that says that the file was cut while it was read; NULL. */
PyObject *scope_cut_while_read(const SegmentObject *self);

/* Names of the loss counters. */
extern const char *const scope_loss_names[SCOPE_LOSS_REASONS];

/* Puts a number into a dict. 0, or -1 with an exception set. */
int scope_put_count(PyObject *to, const char *name, uint64_t value);

/* A tuple of str. */
PyObject *scope_tuple_of_names(const char *const *names, Py_ssize_t count);

#endif
