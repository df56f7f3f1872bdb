/* Headers that a caller sends: what is valid is taken over, the rest is replaced and never echoed. */
#ifndef SCOPE_INBOUND_H
#define SCOPE_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOPE_REQUEST_ID_MAX 128
#define SCOPE_TRACESTATE_MAX 512

/* One to 128 of the letters, digits and `.` `_` `:` `~` `+` `/` `=` `@` `-`: nothing that a header, a log line, a terminal, a
 * URL in quotes or a file could misread. */
bool scope_valid_request_id(const char *text, size_t length);

typedef struct {
    uint8_t trace_id[16];
    uint64_t parent_id;
    uint8_t flags;
} scope_traceparent;

/* W3C Trace Context, level 1: version 00, and later versions as far as it defines them. */
bool scope_parse_traceparent(const char *text, size_t length, scope_traceparent *parent);

/* At most 512 printable ASCII characters; its members are not looked at. */
bool scope_valid_tracestate(const char *text, size_t length);

/* `bytes` as lower-case hex, two digits each, not terminated. */
void scope_write_hex(char *to, const uint8_t *bytes, size_t count);

/* 16 lower-case hex digits, the most significant first, not terminated. */
void scope_write_hex64(char *to, uint64_t value);

#endif
