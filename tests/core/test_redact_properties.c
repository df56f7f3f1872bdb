/* What holds of redaction whatever the text: bounds, characters, time; and no planted secret shows. */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "redacting.h"

static uint64_t state = 88172645463325252u;

static unsigned below(unsigned limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % limit;
}

static const char *const PIECES[] = {
    "password", "token", "secret", "api_key", "Authorization", "Cookie", "IDENTIFIED", "BY", "PASSWORD", "FOR",
    "Bearer", "Basic", "dXNlcjpwYXNz", "eyJ", "hbGciOiJub25lIn0", "eyJhbGciOiJub25lIn0.e30.", "AKIA",
    "IOSFODNN7EXAMPLE", "gh" "p_", "sk-", "ant-", "xox" "b-", "4111111111111111", "4111 1111 ", "5555-",
    "-----BEGIN ", "PRIVATE KEY", "-----", "-----END", "://", "https://u:p@h/", "bob", "@", "example.com", ".", "=",
    ":", "==", "=>", ":=", "%3D", "%26", "%5B", "%5D", ",", " ", "  ", "\n", "\"", "'", "\\", "\\\"", "(", ")", "[",
    "]", "{", "}", "&", ";", "?", "<", ">", "0", "7", "x", "[redacted]", "***", "b'", "--", "\xc3\xbc",
    "\xe2\x82\xac", "\xf0\x9f\x98\x80",
};
#define PIECE_COUNT (unsigned)(sizeof PIECES / sizeof *PIECES)

/* Pieces in a row, at most `max` bytes. */
static size_t compose(char *text, size_t max)
{
    size_t size = 0;
    for (unsigned left = below(40); left > 0; left--) {
        const char *piece = PIECES[below(PIECE_COUNT)];
        if (size + strlen(piece) > max)
            break;
        memcpy(text + size, piece, strlen(piece));
        size += strlen(piece);
    }
    return size;
}

static bool is_utf8(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        unsigned char lead = (unsigned char)text[at];
        size_t more = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC2 ? 1 : 9;
        if (more == 9 || at + more >= size)
            return false;
        for (at++; more > 0; more--, at++)
            if (((unsigned char)text[at] & 0xC0) != 0x80)
                return false;
    }
    return true;
}

static void test_text_stays_text_and_does_not_grow(void)
{
    for (int round = 0; round < 200000; round++) {
        char text[512];
        size_t size, length = compose(text, sizeof text);
        char *result = redacted(text, length, &size);
        CHECK(is_utf8(result, size), "\n  of  %.*s\n  got %s", (int)length, text, result);
        free(result);
    }
}

static void test_any_bytes_are_accepted(void)
{
    for (int round = 0; round < 50000; round++) {
        char text[96];
        size_t size, length = below(sizeof text);
        for (size_t at = 0; at < length; at++)
            text[at] = (char)below(below(2) ? 256 : 96);
        free(redacted(text, length, &size));
    }
}

static void test_any_cut_is_within_its_bounds(void)
{
    for (int round = 0; round < 50000; round++) {
        char text[512];
        size_t length = compose(text, sizeof text), max = below(300), size = scope_redact_and_cut(text, length, max);
        CHECK(size <= max && size <= length && is_utf8(text, size), "%zu of %zu, at most %zu", size, length, max);
    }
}

/* --- planted secrets ---------------------------------------------------------------------------------------------- */

static const char ALPHABET[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
static const char *const CONTEXTS[][2] = {
    {"password=", ""},
    {"password: ", "\n"},
    {"{\"secret\": \"", "\"}"},
    {"{'token': b'", "'}"},
    {"x=Settings(api_key='", "', n=1)"},
    {"?a=1&access_token=", "&b=2"},
    {"Authorization: Bearer ", "\r\n"},
    {"Cookie: a=b; session=", "; c=d\r\n"},
    {"(b'cookie', b'", "')"},
    {"postgres://bob:", "@db:5432/shop"},
    {"ALTER USER bob WITH PASSWORD '", "';"},
    {"IDENTIFIED BY '", "'"},
    {"gh" "p_", " "},
    {"sk-" "ant-", ", "},
    {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", ")"},
    {"-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----"},
};
static const char *const AROUND[] = {"", "a ", "GET /x ", "failed: ", "\xc3\xbc, ", "(1, 2) ", "{\"n\": 1} ", "k=v "};

static void test_no_planted_secret_shows_and_twice_is_as_once(void)
{
    for (int round = 0; round < 100000; round++) {
        char secret[41] = {0}, text[512];
        for (int at = 0; at < 40; at++)
            secret[at] = ALPHABET[below(sizeof ALPHABET - 1)];
        const char *const *context = CONTEXTS[below(sizeof CONTEXTS / sizeof *CONTEXTS)];
        int length = snprintf(text, sizeof text, "%s%s%s%s%s", AROUND[below(8)], context[0], secret, context[1],
                              AROUND[below(8)]);
        size_t size;
        char *result = redacted(text, (size_t)length, &size);
        char part[9] = {0};
        memcpy(part, secret + below(32), 8);
        CHECK(!strstr(result, part), "\n  of  %s\n  got %s", text, result);
        size_t twice;
        char *again = redacted(result, size, &twice);
        CHECK(twice == size && memcmp(again, result, size) == 0, "\n  once  %s\n  twice %s", result, again);
        free(again);
        free(result);
    }
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static double seconds_for(const char *pattern, size_t length)
{
    char *text = malloc(length);
    if (!text)
        abort();
    double best = 1e9;
    for (int round = 0; round < 3; round++) {
        for (size_t at = 0; at < length; at++)
            text[at] = pattern[at % strlen(pattern)];
        clock_t start = clock();
        (void)scope_redact(text, length);
        double spent = (double)(clock() - start) / CLOCKS_PER_SEC;
        best = spent < best ? spent : best;
    }
    free(text);
    return best;
}

/* Sixteen times the text takes about sixteen times as long; it would be 256 times if any look ran over the rest. */
static void test_time_grows_with_the_text(void)
{
    static const char *const patterns[] = {
        "eyJ", "eyJa-", "password=", "password='", "password=(", "a://b:", "a://b:c/@", "://1:1/@", "=    ", "    =",
        "(\"password\",'", "(\\\"password\\\",\\'", "4111 ", "411111111111111 ", "@a", "a@", "@", "-----BEGIN ",
        "-----BEGIN PRIVATE KEY", "token=a,", "token", "bearer ", "Bearer x ", "sk-ant-", "_-_", "IDENTIFIED BY '",
        "password for ", "\\", "\\\"", "'", "['", "%3D", "\xc3\xbc=",
    };
    for (size_t index = 0; index < sizeof patterns / sizeof *patterns; index++) {
        double once = seconds_for(patterns[index], 1 << 14), more = seconds_for(patterns[index], 1 << 18);
        CHECK(more < 64 * once + 0.02, "%s: %.6f s, then %.6f s", patterns[index], once, more);
    }
}

int main(void)
{
    test_text_stays_text_and_does_not_grow();
    test_any_bytes_are_accepted();
    test_any_cut_is_within_its_bounds();
    test_no_planted_secret_shows_and_twice_is_as_once();
    test_time_grows_with_the_text();
    return CHECK_RESULT();
}
