/* What a process wrote of no request: kept by the collector until it is handed over.
 *
 * An entry is a head of four words (lane, position, words of the lane's record, words of the event), the LANE record that tells
 * whose the event is, where it is known, and the event's record. Such events are rare; the log is bounded nonetheless, as what
 * is in shared memory is not trusted.
 */
#ifndef SCOPE_PROCESS_LOG_H
#define SCOPE_PROCESS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOPE_PROCESS_LOG_BYTES_MAX (UINT64_C(1) << 20)

typedef struct scope_process_log {
    uint8_t *bytes;
    size_t size, capacity;
} scope_process_log;

typedef struct {
    uint64_t lane, position;
    const void *introduction; /* the lane's LANE record; NULL where `introduction_words` is 0 */
    uint64_t introduction_words;
    const void *record;
    uint64_t words;
} scope_process_record;

/* False where it has no room, or memory is short. */
bool scope_process_log_keep(scope_process_log *log, const scope_process_record *record);

/* The entry at `*at`, which goes to the next; false at the end. Begin at 0. */
bool scope_process_log_next(const scope_process_log *log, size_t *at, scope_process_record *record);

void scope_process_log_clear(scope_process_log *log);

#endif
