/* Validates inbound ids and trace context. */
#include "inbound.h"

#include <string.h>

bool scope_valid_request_id(const char *text, size_t length)
{
    if (length == 0 || length > SCOPE_REQUEST_ID_MAX)
        return false;
    for (size_t index = 0; index < length; index++) {
        char c = text[index];
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!word && (c == 0 || !strchr("-._:~+/=@", c)))
            return false;
    }
    return true;
}

/* The value of a lower-case hex digit; -1 for any other character. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads `count` bytes; whether all digits were hex and not all were zero. */
static bool read_hex(const char *text, uint8_t *bytes, size_t count)
{
    uint8_t any = 0;
    for (size_t index = 0; index < count; index++) {
        int high = hex_digit(text[2 * index]);
        int low = hex_digit(text[2 * index + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[index] = (uint8_t)(high << 4 | low);
        any |= bytes[index];
    }
    return any != 0;
}

bool scope_parse_traceparent(const char *text, size_t length, scope_traceparent *parent)
{
    enum { WHOLE = 55, TRACE = 3, SPAN = 36, FLAGS = 53 };
    uint8_t span[8];
    if (length < WHOLE || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    int high = hex_digit(text[0]);
    int low = hex_digit(text[1]);
    if (high < 0 || low < 0 || (high == 15 && low == 15))
        return false;
    bool version_zero = high == 0 && low == 0;
    if (length > WHOLE && (version_zero || text[WHOLE] != '-'))
        return false;
    if (!read_hex(text + TRACE, parent->trace_id, 16) || !read_hex(text + SPAN, span, 8))
        return false;
    if (hex_digit(text[FLAGS]) < 0 || hex_digit(text[FLAGS + 1]) < 0)
        return false;
    parent->flags = (uint8_t)(hex_digit(text[FLAGS]) << 4 | hex_digit(text[FLAGS + 1]));
    parent->parent_id = 0;
    for (size_t index = 0; index < sizeof span; index++)
        parent->parent_id = parent->parent_id << 8 | span[index];
    return true;
}

bool scope_valid_tracestate(const char *text, size_t length)
{
    if (length == 0 || length > SCOPE_TRACESTATE_MAX)
        return false;
    for (size_t index = 0; index < length; index++)
        if (text[index] < 0x20 || text[index] > 0x7E)
            return false;
    return true;
}

void scope_write_hex(char *to, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t index = 0; index < count; index++) {
        to[2 * index] = digits[bytes[index] >> 4];
        to[2 * index + 1] = digits[bytes[index] & 15];
    }
}

void scope_write_hex64(char *to, uint64_t value)
{
    uint8_t bytes[8];
    for (size_t index = 0; index < sizeof bytes; index++)
        bytes[index] = (uint8_t)(value >> (56 - 8 * index));
    scope_write_hex(to, bytes, sizeof bytes);
}
