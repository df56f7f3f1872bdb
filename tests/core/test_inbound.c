/* What a caller sends: taken over where it is valid, and never read beyond its end. */
#include "inbound.h"

#include <stdlib.h>

#include "check.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define VALID "00-" TRACE "-" SPAN "-01"

/* In a buffer of just its size, so that a sanitizer sees a byte too far. */
static char *exact(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);
    if (!copy)
        abort();
    memcpy(copy, text, length);
    return copy;
}

static bool valid_id(const char *text, size_t length)
{
    char *copy = exact(text, length);
    bool valid = scope_valid_request_id(copy, length);
    free(copy);
    return valid;
}

static bool parsed(const char *text, size_t length, scope_traceparent *parent)
{
    char *copy = exact(text, length);
    memset(parent, 0xEE, sizeof *parent);
    bool valid = scope_parse_traceparent(copy, length, parent);
    free(copy);
    return valid;
}

static void request_ids_are_of_a_small_alphabet_and_length(void)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._:~+/=@";
    for (int c = 0; c < 256; c++) {
        char text[1] = {(char)c};
        bool wanted = c != 0 && strchr(allowed, c) != NULL;
        CHECK(valid_id(text, 1) == wanted, "character %d", c);
        char within[3] = {'a', (char)c, 'b'};
        CHECK(valid_id(within, 3) == wanted, "character %d within", c);
    }
    char longest[SCOPE_REQUEST_ID_MAX + 1];
    memset(longest, 'x', sizeof longest);
    CHECK(!valid_id("", 0), "nothing");
    CHECK(valid_id(longest, SCOPE_REQUEST_ID_MAX), "the longest");
    CHECK(!valid_id(longest, SCOPE_REQUEST_ID_MAX + 1), "one more");
}

static void a_traceparent_is_read(void)
{
    scope_traceparent parent;
    CHECK(parsed(VALID, strlen(VALID), &parent), "valid");
    CHECK(parent.trace_id[0] == 0x4b && parent.trace_id[15] == 0x36, "trace id");
    CHECK(parent.parent_id == UINT64_C(0x00f067aa0ba902b7) && parent.flags == 1, "%llx", (unsigned long long)parent.parent_id);
    CHECK(parsed("00-" TRACE "-" SPAN "-ff", 55, &parent) && parent.flags == 0xff, "flags");
}

static void later_versions_are_read_as_far_as_they_are_known(void)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"01-" TRACE "-" SPAN "-01", true},      {"cc-" TRACE "-" SPAN "-01-what-is-to-come", true},
        {"01-" TRACE "-" SPAN "-01-", true},     {"01-" TRACE "-" SPAN "-01x", false},
        {"01-" TRACE "-" SPAN "-01.more", false}, {"00-" TRACE "-" SPAN "-01-", false},
        {"ff-" TRACE "-" SPAN "-01", false},     {"fe-" TRACE "-" SPAN "-01", true},
    };
    scope_traceparent parent;
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++)
        CHECK(parsed(cases[index].text, strlen(cases[index].text), &parent) == cases[index].valid, "%s", cases[index].text);
}

static void a_traceparent_cut_anywhere_is_none(void)
{
    scope_traceparent parent;
    for (size_t length = 0; length < strlen(VALID); length++)
        CHECK(!parsed(VALID, length, &parent), "%zu characters", length);
}

static void a_traceparent_with_any_other_character_anywhere_is_none(void)
{
    scope_traceparent parent;
    for (size_t at = 0; at < strlen(VALID); at++)
        for (int c = 0; c < 256; c++) {
            char text[] = VALID;
            text[at] = (char)c;
            bool dash = at == 2 || at == 35 || at == 52;
            bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            bool version = at < 2 && c != '0'; /* a later version is fine, too */
            bool wanted = dash ? c == '-' : hex || (version && hex);
            CHECK(parsed(text, strlen(text), &parent) == wanted, "character %d at %zu", c, at);
        }
}

static void ids_of_zeroes_are_none(void)
{
    scope_traceparent parent;
    CHECK(!parsed("00-00000000000000000000000000000000-" SPAN "-01", 55, &parent), "trace id");
    CHECK(!parsed("00-" TRACE "-0000000000000000-01", 55, &parent), "span id");
}

static void a_tracestate_is_printable_and_bounded(void)
{
    char text[SCOPE_TRACESTATE_MAX + 1];
    memset(text, 'a', sizeof text);
    CHECK(!scope_valid_tracestate("", 0), "nothing");
    CHECK(scope_valid_tracestate(text, SCOPE_TRACESTATE_MAX) && !scope_valid_tracestate(text, sizeof text), "length");
    for (int c = 0; c < 256; c++) {
        char one = (char)c;
        CHECK(scope_valid_tracestate(&one, 1) == (c >= 0x20 && c <= 0x7E), "character %d", c);
    }
}

static void hex_is_lower_case_and_most_significant_first(void)
{
    char text[17] = {0};
    scope_write_hex64(text, UINT64_C(0x0123456789abcdef));
    CHECK(strcmp(text, "0123456789abcdef") == 0, "%s", text);
    scope_write_hex(text, (const uint8_t *)"\xff\x00\x0a", 3);
    CHECK(memcmp(text, "ff000a67", 8) == 0, "%s", text);
}

int main(void)
{
    request_ids_are_of_a_small_alphabet_and_length();
    a_traceparent_is_read();
    later_versions_are_read_as_far_as_they_are_known();
    a_traceparent_cut_anywhere_is_none();
    a_traceparent_with_any_other_character_anywhere_is_none();
    ids_of_zeroes_are_none();
    a_tracestate_is_printable_and_bounded();
    hex_is_lower_case_and_most_significant_first();
    return CHECK_RESULT();
}
