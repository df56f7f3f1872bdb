/* One pass over a text that hides parts of it in place; what the parts of redaction share.
 *
 * [0, written) is the result so far, [read, length) is still to be looked at, written <= read. What a secret stands
 * behind is looked up in the result, what it consists of in the rest. A part is called at its anchor, a byte that the
 * secrets it knows cannot do without; it either moves the scan on and returns true, or leaves it alone and returns
 * false.
 *
 * Every part looks back at most a bounded stretch, or over bytes that no other anchor's look goes over, and looks
 * forward over bytes that it then consumes, or a bounded stretch: the pass is linear.
 */
#ifndef SCOPE_REDACT_SCAN_H
#define SCOPE_REDACT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    char *text;
    size_t length;
    size_t read;
    size_t written;
    bool identified; /* SQL: IDENTIFIED was seen, a literal after BY or AS is a password */
    bool password_for; /* SQL: PASSWORD FOR was seen, a literal after = is a password */
} scope_scan;

/* What a name says of the value it stands before. */
enum scope_secret {
    SCOPE_SECRET_NONE,
    SCOPE_SECRET_VALUE,
    SCOPE_SECRET_LINE, /* of several words: a header that reaches to the end of its line */
};

enum scope_secret scope_secret_kind(const char *name, size_t length);

bool scope_redact_pair(scope_scan *scan); /* at = : , % */
bool scope_redact_webhook(scope_scan *scan); /* at : */
bool scope_redact_url(scope_scan *scan); /* at : */
void scope_watch_sql(scope_scan *scan); /* at a space */
bool scope_redact_sql(scope_scan *scan); /* at a quote */
bool scope_redact_credentials(scope_scan *scan); /* at a space */
bool scope_redact_key(scope_scan *scan); /* at - _ I . */
bool scope_redact_jwt(scope_scan *scan); /* at J */
bool scope_redact_pem(scope_scan *scan); /* at - */
bool scope_redact_card(scope_scan *scan); /* at a digit */
bool scope_redact_email(scope_scan *scan); /* at @ */

/* The index of the quote that closes a literal, `length` if none does. `start` is the first byte inside; `slashes`
 * stood before the opening quote. */
size_t scope_literal_end(const char *text, size_t start, size_t length, char quote, size_t slashes);

enum {
    SCOPE_CLASS_ALPHA = 1,
    SCOPE_CLASS_DIGIT = 2,
    SCOPE_CLASS_DASH = 4, /* - and _ */
    SCOPE_CLASS_TOKEN = 8, /* . ~ + / = */
    SCOPE_CLASS_LOWER = 16, /* a letter, too */
};
#define SCOPE_CLASS_ALNUM (SCOPE_CLASS_ALPHA | SCOPE_CLASS_DIGIT)
#define SCOPE_CLASS_BASE64URL (SCOPE_CLASS_ALNUM | SCOPE_CLASS_DASH)

static inline bool scope_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline char scope_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline unsigned scope_class(char c)
{
    if (c >= 'a' && c <= 'z')
        return SCOPE_CLASS_ALPHA | SCOPE_CLASS_LOWER;
    if (c >= 'A' && c <= 'Z')
        return SCOPE_CLASS_ALPHA;
    if (scope_is_digit(c))
        return SCOPE_CLASS_DIGIT;
    if (c == '-' || c == '_')
        return SCOPE_CLASS_DASH;
    return c == '.' || c == '~' || c == '+' || c == '/' || c == '=' ? SCOPE_CLASS_TOKEN : 0;
}

static inline bool scope_is_alnum(char c)
{
    return scope_class(c) & SCOPE_CLASS_ALNUM;
}

static inline bool scope_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool scope_is_quote(char c)
{
    return c == '"' || c == '\'';
}

/* The byte `offset` after the anchor; 0 beyond the end. */
static inline char scope_ahead(const scope_scan *scan, size_t offset)
{
    return offset < scan->length - scan->read ? scan->text[scan->read + offset] : 0;
}

/* The byte `offset` before the anchor, 1 being the nearest; 0 before the beginning. */
static inline char scope_behind(const scope_scan *scan, size_t offset)
{
    return offset <= scan->written ? scan->text[scan->written - offset] : 0;
}

/* Whether the rest begins, `offset` after the anchor, with `word`. */
static inline bool scope_is_ahead(const scope_scan *scan, size_t offset, const char *word)
{
    size_t size = strlen(word), left = scan->length - scan->read;
    return offset + size <= left && memcmp(scan->text + scan->read + offset, word, size) == 0;
}

/* Whether `text` ends, before `end`, with the lower-case `word` in whatever case, and no letter or digit stands
 * before. */
static inline bool scope_ends_in_word(const char *text, size_t end, const char *word)
{
    size_t size = strlen(word);
    if (end < size || (end > size && scope_is_alnum(text[end - size - 1])))
        return false;
    for (size_t index = 0; index < size; index++)
        if (scope_lower(text[end - size + index]) != word[index])
            return false;
    return true;
}

/* The index before `end` up to which only spaces and tabs follow. */
static inline size_t scope_before_blanks(const char *text, size_t end)
{
    while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
        end--;
    return end;
}

/* The end of the run of characters of `classes` that begins at `at`. */
static inline size_t scope_run_end(const scope_scan *scan, size_t at, unsigned classes)
{
    while (at < scan->length && scope_class(scan->text[at]) & classes)
        at++;
    return at;
}

/* Takes over what is before index `to`. */
static inline void scope_keep(scope_scan *scan, size_t to)
{
    size_t count = to - scan->read;
    if (scan->written != scan->read)
        memmove(scan->text + scan->written, scan->text + scan->read, count);
    scan->written += count;
    scan->read = to;
}

/* Puts a marker in the place of the last `behind` bytes of the result and of what is before index `to`. */
static inline void scope_hide(scope_scan *scan, size_t behind, size_t to)
{
    static const char whole[] = "[redacted]", brief[] = "***";
    size_t hidden = behind + (to - scan->read);
    bool is_long = hidden >= sizeof whole - 1;
    size_t size = is_long ? sizeof whole - 1 : hidden < sizeof brief - 1 ? hidden : sizeof brief - 1;
    scan->written -= behind;
    memcpy(scan->text + scan->written, is_long ? whole : brief, size);
    scan->written += size;
    scan->read = to;
}

#endif
