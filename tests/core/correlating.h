/* What the tests of the correlator are written with: records as short to make as can be, and a correlator to feed them to. */
#ifndef SCOPE_CORRELATING_H
#define SCOPE_CORRELATING_H

#include <stdlib.h>

#include "check.h"
#include "correlate.h"
#include "process_log.h"
#include "segments.h"

#define MINUTE_NS UINT64_C(60000000000)
#define NEVER_NS (UINT64_C(1) << 62)

typedef struct {
    uint64_t words[64];
    uint64_t count;
} record;

static inline record event(uint8_t type, uint64_t key, uint64_t time_ns, uint64_t words)
{
    record made = {.count = words};
    made.words[0] = scope_header(type, words, 0, key);
    made.words[1] = time_ns;
    made.words[2] = (uint32_t)key;
    made.words[3] = 1;
    return made;
}

static inline void set_site(record *of, uint32_t site)
{
    of->words[2] |= (uint64_t)site << 32;
}

static inline void put_text(uint8_t **at, const char *text)
{
    uint16_t length = (uint16_t)strlen(text);
    memcpy(*at, &length, sizeof length);
    memcpy(*at + 2, text, length);
    *at += 2 + length;
}

static inline record begin(uint64_t key, uint64_t time_ns, uint8_t flags)
{
    record made = event(SCOPE_REQUEST_BEGIN, key, time_ns, 24);
    uint8_t *bytes = (uint8_t *)made.words, *at = bytes + SCOPE_BEGIN_STRINGS;
    memset(bytes + SCOPE_BEGIN_TRACE_ID, (int)key, 16);
    made.words[SCOPE_BEGIN_SPAN_ID / 8] = key * 100;
    made.words[SCOPE_BEGIN_REMOTE / 8] = 77;
    bytes[SCOPE_BEGIN_KIND] = SCOPE_KIND_HTTP;
    bytes[SCOPE_BEGIN_FLAGS] = flags;
    put_text(&at, "GET");
    put_text(&at, "/path");
    put_text(&at, "the-id");
    return made;
}

static inline record end(uint64_t key, uint64_t time_ns)
{
    record made = event(SCOPE_REQUEST_END, key, time_ns, 9);
    made.words[4] = SCOPE_OUTCOME_EXCEPTION;
    made.words[5] = 10, made.words[6] = 2, made.words[7] = 3, made.words[8] = 40;
    return made;
}

typedef struct {
    scope_correlator *it;
    uint32_t slot;
    uint64_t position, now_ns;
} setting;

static inline setting new_setting(void)
{
    setting made = {.it = scope_correlator_new(UINT64_MAX), .now_ns = 1};
    made.slot = (uint32_t)scope_correlator_add(made.it, 4);
    return made;
}

static inline void feed(setting *to, uint32_t lane, record fed)
{
    scope_correlator_feed(to->it, to->slot, lane, to->position, (const uint8_t *)fed.words, fed.count, to->now_ns);
    to->position += fed.count * 8;
}

static inline void pass(setting *to, int count)
{
    while (count-- > 0)
        scope_correlator_pass(to->it, to->slot);
}

/* The only finished group; the caller gives it to drop(). */
static inline scope_group *only(setting *from)
{
    scope_group *group = scope_correlator_take(from->it);
    CHECK(group, "none is finished");
    CHECK(!scope_correlator_take(from->it), "more than one is finished");
    if (!group)
        abort();
    return group;
}

static inline scope_correlator_statistics statistics(const setting *of)
{
    return scope_correlator_read_statistics(of->it);
}

static inline record lane_record(uint32_t thread, uint64_t words)
{
    record made = {.count = words};
    made.words[0] = scope_header(SCOPE_LANE, words, 0, 0);
    made.words[2] = thread;
    return made;
}

/* The types of the records of a group, as digits; a LANE as the last digit of its thread. */
static inline const char *spelled(const scope_group *group)
{
    static char text[256];
    size_t length = 0;
    for (size_t at = 0; at < group->size && length < sizeof text - 1;) {
        uint64_t header = scope_load64(group->bytes + at);
        uint8_t type = scope_header_type(header);
        bool known = scope_load32(group->bytes + at + 16) < 0xFFFF0000;
        text[length++] = type == SCOPE_LANE ? (known ? (char)('0' + scope_load32(group->bytes + at + 16) % 10) : '?')
                         : type == SCOPE_GAP ? 'g' : type == SCOPE_REQUEST_BEGIN ? 'b' : type == SCOPE_REQUEST_END ? 'e' : 'm';
        at += scope_header_words(header) * 8;
    }
    text[length] = 0;
    return text;
}

#endif
