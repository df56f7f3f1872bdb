/* Reads the few fields of each record type that lists show. The record's payload is not trusted. */
#include "summary.h"

#include <stdlib.h>
#include <string.h>

/* A cursor over the payload: every read checks the length. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} cursor;

/* The next `str16` as an owned, terminated string; NULL where it is empty or cut. */
static char *take_text(cursor *from)
{
    if (from->end - from->at < 2)
        return NULL;
    uint16_t length = scope_load16(from->at);
    from->at += 2;
    if (from->end - from->at < length) {
        from->at = from->end;
        return NULL;
    }
    char *text = length ? strndup((const char *)from->at, length) : NULL;
    from->at += length;
    return text;
}

static uint32_t text_bytes(const char *text)
{
    return text ? (uint32_t)strlen(text) + 1 : 0;
}

static void replace(scope_group *group, char **field, char *text)
{
    group->texts_bytes += text_bytes(text) - text_bytes(*field);
    free(*field);
    *field = text;
}

static bool begin(scope_group *group, const uint8_t *record, uint64_t words)
{
    if (words * 8 < SCOPE_BEGIN_STRINGS)
        return false;
    cursor strings = {record + SCOPE_BEGIN_STRINGS, record + words * 8};
    memcpy(group->trace_id, record + SCOPE_BEGIN_TRACE_ID, sizeof group->trace_id);
    group->span_id = scope_load64(record + SCOPE_BEGIN_SPAN_ID);
    group->remote_parent = scope_load64(record + SCOPE_BEGIN_REMOTE);
    group->kind = record[SCOPE_BEGIN_KIND];
    group->flags = record[SCOPE_BEGIN_FLAGS];
    group->start_ns = scope_load64(record + 8);
    replace(group, &group->method, take_text(&strings));
    replace(group, &group->path, take_text(&strings));
    char *id = take_text(&strings);
    if (!(group->flags & SCOPE_FLAG_CALLERS_ID)) {
        free(id);
        id = NULL;
    }
    replace(group, &group->id, id);
    group->begun = true;
    group->spans++;
    return true;
}

static bool route(scope_group *group, const uint8_t *record, uint64_t words)
{
    group->route_site = (uint32_t)(scope_load64(record + 16) >> 32);
    if (group->route_site)
        return true;
    cursor strings = {record + 8 * SCOPE_PREFIX_WORDS, record + words * 8};
    replace(group, &group->route, take_text(&strings));
    return group->route != NULL;
}

static bool respond(scope_group *group, const uint8_t *record, uint64_t words)
{
    if (words < SCOPE_PREFIX_WORDS + 1)
        return false;
    group->status = scope_load32(record + 32);
    if (!(scope_load32(record + 36) & SCOPE_STATUS_ASSUMED))
        group->first_byte_ns = scope_load64(record + 8);
    return true;
}

static bool finish_response(scope_group *group, const uint8_t *record, uint64_t words)
{
    if (words < SCOPE_PREFIX_WORDS + 2)
        return false;
    group->response_end_ns = scope_load64(record + 8);
    group->bytes_out = scope_load64(record + 32);
    group->messages_out = scope_load64(record + 40);
    return true;
}

static bool end(scope_group *group, const uint8_t *record, uint64_t words)
{
    if (words < SCOPE_PREFIX_WORDS + 5)
        return false;
    group->outcome = record[32];
    group->bytes_in = scope_load64(record + 40);
    group->messages_in = scope_load64(record + 48);
    group->messages_out = scope_load64(record + 56);
    group->bytes_out = scope_load64(record + 64);
    group->ended = true;
    return true;
}

static void note_site(scope_group *group, const uint8_t *record)
{
    uint32_t site = (uint32_t)(scope_load64(record + 16) >> 32);
    if (site == 0 || group->site_count == SCOPE_GROUP_SITES)
        return;
    for (uint32_t index = group->site_count; index-- > 0;)
        if (group->sites[index] == site)
            return;
    group->sites[group->site_count++] = site;
}

/* Remembers that the record, the last in the group's bytes, is worth indexing. */
static void note(scope_group *group, uint64_t words)
{
    if (group->notes_taken >= SCOPE_GROUP_NOTES || group->size < words * 8)
        return;
    group->notes[group->note_count++] = (uint32_t)(group->size - words * 8);
    group->notes_taken++;
}

bool scope_summarize(scope_group *group, const uint8_t *record, uint64_t words)
{
    uint64_t time_ns = scope_load64(record + 8);
    group->events++;
    group->dirty = true;
    uint8_t type = scope_header_type(scope_load64(record));
    bool outlived = type == SCOPE_ASYNC_TASK_END && group->ended; /* its end is not the request's */
    if (time_ns > group->end_ns && !outlived)
        group->end_ns = time_ns;
    if (group->start_ns == 0 || (!group->begun && time_ns < group->start_ns))
        group->start_ns = time_ns;
    switch (type) {
    case SCOPE_REQUEST_BEGIN:
        return begin(group, record, words);
    case SCOPE_REQUEST_ROUTE:
        return route(group, record, words);
    case SCOPE_RESPONSE_START:
        return respond(group, record, words);
    case SCOPE_RESPONSE_END:
        return finish_response(group, record, words);
    case SCOPE_REQUEST_END:
        return end(group, record, words);
    case SCOPE_LOOP_STEP:
        scope_steps_add(&group->steps, record, group->begun ? group->start_ns : 0,
                        group->response_end_ns ? group->response_end_ns : UINT64_MAX);
        return true;
    case SCOPE_FUNCTION_ENTER:
        group->spans++;
        note_site(group, record);
        return true;
    case SCOPE_SPAN_BEGIN:
        group->spans++;
        note_site(group, record);
        if (words > SCOPE_PREFIX_WORDS + 1)
            note(group, words);
        return true;
    case SCOPE_EXCEPTION:
        if (words > SCOPE_PREFIX_WORDS && !(record[8 * SCOPE_PREFIX_WORDS] & SCOPE_ERROR_REPEATED))
            group->errors++;
        note(group, words);
        return true;
    case SCOPE_ANNOTATION:
        note(group, words);
        return true;
    default:
        return true;
    }
}
