/* Keeps events of no request. What it promises is told in process_log.h. */
#include "process_log.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_WORDS 4
#define FIRST_BYTES 4096

static bool make_room(scope_process_log *log, size_t bytes)
{
    size_t needed = log->size + bytes, capacity = log->capacity ? log->capacity : FIRST_BYTES;
    if (needed > SCOPE_PROCESS_LOG_BYTES_MAX)
        return false;
    if (needed <= log->capacity)
        return true;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *grown = realloc(log->bytes, capacity);
    if (!grown)
        return false;
    log->bytes = grown;
    log->capacity = capacity;
    return true;
}

static void append(scope_process_log *log, const void *words, uint64_t count)
{
    if (count)
        memcpy(log->bytes + log->size, words, count * 8);
    log->size += count * 8;
}

bool scope_process_log_keep(scope_process_log *log, const scope_process_record *record)
{
    uint64_t head[HEAD_WORDS] = {record->lane, record->position, record->introduction_words, record->words};
    if (!make_room(log, (HEAD_WORDS + record->introduction_words + record->words) * 8))
        return false;
    append(log, head, HEAD_WORDS);
    append(log, record->introduction, record->introduction_words);
    append(log, record->record, record->words);
    return true;
}

bool scope_process_log_next(const scope_process_log *log, size_t *at, scope_process_record *record)
{
    uint64_t head[HEAD_WORDS];
    if (*at == log->size)
        return false;
    const uint8_t *entry = log->bytes + *at;
    memcpy(head, entry, sizeof head);
    *record = (scope_process_record){head[0], head[1], NULL, head[2], NULL, head[3]};
    record->introduction = head[2] ? entry + sizeof head : NULL;
    record->record = entry + sizeof head + head[2] * 8;
    *at += sizeof head + (head[2] + head[3]) * 8;
    return true;
}

void scope_process_log_clear(scope_process_log *log)
{
    free(log->bytes);
    *log = (scope_process_log){0};
}
