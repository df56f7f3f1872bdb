/* The record of docs/design/wire.md: numbers and the header word. */
#ifndef SCOPE_RECORD_H
#define SCOPE_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    SCOPE_FILL = 0x01,
    SCOPE_BLOCK = 0x02,
    SCOPE_LANE = 0x03,
    SCOPE_GAP = 0x04,
    SCOPE_EVENTS = 0x10, /* types from here on are events: counted in sequence, with the four-word prefix */
    SCOPE_REQUEST_BEGIN = 0x10,
    SCOPE_REQUEST_ROUTE = 0x11,
    SCOPE_RESPONSE_START = 0x12,
    SCOPE_RESPONSE_END = 0x13,
    SCOPE_REQUEST_END = 0x14,
    SCOPE_DISCONNECT = 0x15,
    SCOPE_SPAN_BEGIN = 0x20,
    SCOPE_SPAN_END = 0x21,
    SCOPE_FUNCTION_ENTER = 0x22,
    SCOPE_FUNCTION_EXIT = 0x23,
    SCOPE_MARK = 0x24,
    SCOPE_VALUES = 0x25,
    SCOPE_LINES = 0x26,
    SCOPE_ANNOTATION = 0x30,
    SCOPE_EXCEPTION = 0x31,
    SCOPE_LOOP_STEP = 0x40,
    SCOPE_OUTSIDE_STEP = 0x41,
    SCOPE_GC_PAUSE = 0x42,
    SCOPE_SHUTDOWN = 0x43,
    SCOPE_ASYNC_TASK_BEGIN = 0x44,
    SCOPE_ASYNC_TASK_END = 0x45,
    SCOPE_LEDGER = 0x50,
};

enum { SCOPE_OUTCOME_OK, SCOPE_OUTCOME_EXCEPTION, SCOPE_OUTCOME_CANCELLED, SCOPE_OUTCOME_DISCONNECTED };
enum { SCOPE_KIND_HTTP = 1, SCOPE_KIND_WEBSOCKET, SCOPE_KIND_LIFESPAN, SCOPE_KIND_TASK };
enum { SCOPE_FLAG_CALLERS_ID = 1, SCOPE_FLAG_CALLERS_TRACE = 2 };
enum { SCOPE_STATUS_ASSUMED = 1 };
enum { SCOPE_ERROR_ESCAPED = 1, SCOPE_ERROR_REPEATED = 2 };
enum { SCOPE_STEP_IN_THREAD = 1 };

#define SCOPE_PREFIX_WORDS 4
#define SCOPE_BLOCK_WORDS 2
#define SCOPE_GAP_WORDS 5
#define SCOPE_LANE_NAME_MAX 48 /* bytes of a thread's name that are kept */
#define SCOPE_LANE_WORDS_MAX 10
#define SCOPE_KEY_BITS 44

/* Byte offsets in a REQUEST_BEGIN, counted from the start of the record. */
enum {
    SCOPE_BEGIN_TRACE_ID = 32,
    SCOPE_BEGIN_SPAN_ID = 48,
    SCOPE_BEGIN_REMOTE = 56,
    SCOPE_BEGIN_KIND = 64,
    SCOPE_BEGIN_FLAGS = 65,
    SCOPE_BEGIN_STRINGS = 72,
};

/* The same in a REQUEST_END and in a LEDGER. */
enum { SCOPE_END_MESSAGES_IN = 48, SCOPE_END_MESSAGES_OUT = 56 };
enum { SCOPE_LEDGER_HELD_BACK = 32 };
enum { SCOPE_LEDGER_SAMPLED_OUT = 1 }; /* flags */

/* Least length in words of an event of the type: prefix and what its payload always has. 0 for a type that this version does
 * not know; a newer writer's are left out of traces, and counted. */
static inline uint64_t scope_event_words(uint8_t type)
{
    switch (type) {
    case SCOPE_REQUEST_ROUTE:
    case SCOPE_DISCONNECT:
    case SCOPE_FUNCTION_ENTER:
    case SCOPE_FUNCTION_EXIT:
    case SCOPE_MARK:
    case SCOPE_SHUTDOWN:
        return SCOPE_PREFIX_WORDS;
    case SCOPE_RESPONSE_START:
    case SCOPE_SPAN_BEGIN:
    case SCOPE_SPAN_END:
    case SCOPE_ANNOTATION:
    case SCOPE_EXCEPTION:
    case SCOPE_LINES:
    case SCOPE_ASYNC_TASK_END:
        return SCOPE_PREFIX_WORDS + 1;
    case SCOPE_RESPONSE_END:
    case SCOPE_VALUES:
    case SCOPE_LEDGER:
        return SCOPE_PREFIX_WORDS + 2;
    case SCOPE_LOOP_STEP:
    case SCOPE_OUTSIDE_STEP:
    case SCOPE_ASYNC_TASK_BEGIN:
        return SCOPE_PREFIX_WORDS + 3;
    case SCOPE_GC_PAUSE:
        return SCOPE_PREFIX_WORDS + 4;
    case SCOPE_REQUEST_END:
        return SCOPE_PREFIX_WORDS + 5;
    case SCOPE_REQUEST_BEGIN:
        return SCOPE_PREFIX_WORDS + 6;
    default:
        return 0;
    }
}

/* Whether events of the type may be of no request: they are the process's then. */
static inline bool scope_event_of_process(uint8_t type)
{
    return type == SCOPE_OUTSIDE_STEP || type == SCOPE_GC_PAUSE || type == SCOPE_SHUTDOWN;
}

/* Least length in words of records that are no events; where the type is unknown, of what every record has. */
static inline uint64_t scope_note_words(uint8_t type)
{
    switch (type) {
    case SCOPE_BLOCK:
        return SCOPE_BLOCK_WORDS;
    case SCOPE_LANE:
    case SCOPE_GAP:
        return 4;
    default:
        return 1;
    }
}

static inline uint64_t scope_header(uint8_t type, uint64_t words, uint64_t position, uint64_t request)
{
    return type | words << 8 | (position >> 3 & 0xFFFFFF) << 24 | (request >> 32) << 48;
}

static inline uint8_t scope_header_type(uint64_t header)
{
    return (uint8_t)header;
}

static inline uint64_t scope_header_words(uint64_t header)
{
    return header >> 8 & 0xFFFF;
}

static inline uint64_t scope_header_stamp(uint64_t header)
{
    return header >> 24 & 0xFFFFFF;
}

static inline uint64_t scope_stamp(uint64_t position)
{
    return position >> 3 & 0xFFFFFF;
}

/* The request key of an event, from its first and third word. */
static inline uint64_t scope_request_key(uint64_t header, uint64_t third)
{
    return header >> 48 << 32 | (uint32_t)third;
}

static inline uint64_t scope_load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t scope_load32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint16_t scope_load16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

#endif
