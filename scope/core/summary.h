/* What lists show of a request, kept up to date record by record. */
#ifndef SCOPE_SUMMARY_H
#define SCOPE_SUMMARY_H

#include "correlate.h"

/* Takes the facts of one event into the group; false where the record is too short for its type. */
bool scope_summarize(scope_group *group, const uint8_t *record, uint64_t words);

#endif
