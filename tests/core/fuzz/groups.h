/* What holds of every group that the correlator hands over. */
#ifndef SCOPE_FUZZ_GROUPS_H
#define SCOPE_FUZZ_GROUPS_H

#include "correlate.h"
#include "fuzz.h"

/* Its bytes are whole records, its notes are among them. */
static inline void check_group(const scope_group *group)
{
    uint32_t note = 0;
    size_t at = 0;
    while (at < group->size) {
        HOLDS(group->size - at >= 8, "%zu bytes are left", group->size - at);
        uint64_t header = scope_load64(group->bytes + at);
        uint64_t words = scope_header_words(header);
        HOLDS(words > 0 && words * 8 <= group->size - at, "%llu words at %zu", (unsigned long long)words, at);
        uint8_t type = scope_header_type(header);
        uint64_t least = type >= SCOPE_EVENTS ? scope_event_words(type) : scope_note_words(type);
        HOLDS(least && words >= least && type != SCOPE_BLOCK && type != SCOPE_FILL, "type %x, %llu words", type,
              (unsigned long long)words);
        if (type >= SCOPE_EVENTS)
            HOLDS((scope_request_key(header, scope_load64(group->bytes + at + 16)) & ((UINT64_C(1) << SCOPE_KEY_BITS) - 1))
                      == group->key,
                  "another request's record");
        note += note < group->note_count && group->notes[note] == at;
        at += words * 8;
    }
    HOLDS(note == group->note_count, "a note that is no record");
    HOLDS(group->size <= group->capacity && group->site_count <= SCOPE_GROUP_SITES, "sizes");
}

/* Takes out what is finished. */
static inline void take_finished(scope_correlator *correlator)
{
    scope_group *group;
    while ((group = scope_correlator_take(correlator))) {
        check_group(group);
        scope_group_free(correlator, group);
    }
}

/* What is open is as much as is counted; its bytes are dropped, as if they had been stored. */
static inline void take_open(scope_correlator *correlator)
{
    uint64_t open = 0;
    for (scope_group *group = scope_correlator_first_open(correlator); group; group = group->next, open++) {
        check_group(group);
        scope_group_flushed(correlator, group);
    }
    HOLDS(open == scope_correlator_read_statistics(correlator).open, "%llu are open", (unsigned long long)open);
}

#endif
