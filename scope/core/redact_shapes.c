/* Secrets that are told by their own shape: tokens, credentials, card numbers, e-mail addresses. */
#include "redact_scan.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- JSON web tokens ---------------------------------------------------------------------------------------------- */

/* {"... in base64url is eyJ...: header, payload, and a signature or the further parts of an encrypted one. */
bool scope_redact_jwt(scope_scan *scan)
{
    if (scope_ahead(scan, 0) != 'J' || scope_behind(scan, 1) != 'y' || scope_behind(scan, 2) != 'e'
        || scope_class(scope_behind(scan, 3)) & SCOPE_CLASS_BASE64URL)
        return false;
    size_t end = scope_run_end(scan, scan->read, SCOPE_CLASS_BASE64URL);
    if (end - scan->read < 8)
        return false;
    size_t parts = 1;
    while (parts < 5 && end < scan->length && scan->text[end] == '.') {
        size_t next = scope_run_end(scan, end + 1, SCOPE_CLASS_BASE64URL);
        if (parts == 1 && next - end < 3)
            break;
        end = next;
        parts++;
    }
    if (parts == 1)
        return false;
    scope_hide(scan, 2, end);
    return true;
}

/* --- Bearer and Basic --------------------------------------------------------------------------------------------- */

static bool has_digit(const char *text, size_t size)
{
    while (size > 0)
        if (scope_is_digit(text[--size]))
            return true;
    return false;
}

/* Whether a word after "Bearer" is prose or a parameter, not a token. */
static bool is_said_of_bearer(const char *text, size_t size, bool quoted)
{
    static const char *const words[] = {"token", "tokens", "auth", "authentication", "authorization", "scheme"};
    while (size > 1 && text[size - 1] == '.')
        size--;
    for (size_t index = 0; index < COUNT(words); index++)
        if (strlen(words[index]) == size && scope_ends_in_word(text, size, words[index]))
            return true;
    return quoted && size > 0 && text[size - 1] == '='; /* realm="x" */
}

static bool is_bearer(const scope_scan *scan, size_t start, size_t end)
{
    const char *text = scan->text + start;
    size_t size = end - start;
    if (size == 0 || is_said_of_bearer(text, size, end < scan->length && scope_is_quote(scan->text[end])))
        return false;
    bool is_scheme = scope_behind(scan, 6) == 'B';
    return is_scheme || size >= 16 || (size >= 4 && has_digit(text, size));
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (scope_is_digit(c))
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Whether the base64 text is `user:password`: printable, with a colon. That tells it from a word. */
static bool is_basic(const char *text, size_t size)
{
    unsigned bits = 0, count = 0;
    bool colon = false;
    for (size_t at = 0; at < size && base64_value(text[at]) >= 0; at++) {
        bits = (bits << 6 | (unsigned)base64_value(text[at])) & 0xFFFF;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        unsigned byte = bits >> count & 0xFF;
        if (byte < 0x20 || byte == 0x7F)
            return false;
        colon = colon || byte == ':';
    }
    return colon;
}

bool scope_redact_credentials(scope_scan *scan)
{
    bool bearer = scope_ends_in_word(scan->text, scan->written, "bearer");
    if (!bearer && !scope_ends_in_word(scan->text, scan->written, "basic"))
        return false;
    size_t start = scan->read;
    while (start < scan->length && scan->text[start] == ' ')
        start++;
    size_t end = scope_run_end(scan, start, SCOPE_CLASS_BASE64URL | SCOPE_CLASS_TOKEN);
    if (bearer ? !is_bearer(scan, start, end) : !is_basic(scan->text + start, end - start))
        return false;
    scope_keep(scan, start);
    scope_hide(scan, 0, end);
    return true;
}

/* --- private keys ------------------------------------------------------------------------------------------------- */

/* The index of `word` in the text at or after `at`, before `limit`; `limit` if it is not there. */
static size_t find(const char *text, size_t at, size_t limit, const char *word)
{
    size_t size = strlen(word);
    for (; at + size <= limit; at++)
        if (text[at] == word[0] && memcmp(text + at, word, size) == 0)
            return at;
    return limit;
}

/* The index after `-----BEGIN RSA PRIVATE KEY-----`, whatever kind of key it is; 0 if that is not what is at the
 * anchor. */
static size_t after_begin(const scope_scan *scan)
{
    static const char begin[] = "-----BEGIN ", rest[] = "PRIVATE KEY", block[] = " BLOCK";
    if (!scope_is_ahead(scan, 0, begin))
        return 0;
    size_t at = sizeof begin - 1, end = at + 32;
    while (at < end && !scope_is_ahead(scan, at, rest)) {
        char c = scope_ahead(scan, at++);
        if (scope_class(c) != SCOPE_CLASS_ALPHA && !scope_is_digit(c) && c != ' ')
            return 0;
    }
    if (at == end)
        return 0;
    at += sizeof rest - 1;
    at += scope_is_ahead(scan, at, block) ? sizeof block - 1 : 0;
    while (scope_ahead(scan, at) == '-')
        at++;
    return scan->read + at;
}

/* What is between the lines BEGIN and END; to the end of the text if there is no END. */
bool scope_redact_pem(scope_scan *scan)
{
    size_t start = after_begin(scan);
    if (start == 0)
        return false;
    scope_keep(scan, start);
    scope_hide(scan, 0, find(scan->text, start, scan->length, "-----END"));
    return true;
}

/* --- card numbers ------------------------------------------------------------------------------------------------- */

#define MIN_DIGITS 14
#define MAX_DIGITS 19

static bool is_luhn(const uint8_t *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t index = 0; index < count; index++) {
        unsigned digit = digits[count - 1 - index];
        sum += index % 2 == 0 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
    }
    return sum % 10 == 0;
}

/* Issuers' prefixes by length. Diners 14, American Express 15, Visa, Mastercard and others 16, UnionPay, Maestro,
 * Discover and JCB to 19. */
static bool is_issued(const uint8_t *digits, size_t count)
{
    unsigned two = digits[0] * 10u + digits[1], four = two * 100u + digits[2] * 10u + digits[3];
    if (count == 14)
        return two == 30 || two == 36 || two == 38 || two == 39;
    if (count == 15)
        return two == 34 || two == 37;
    if (count == 16)
        return (two >= 40 && two < 70) || two == 35 || two == 36 || (four >= 2221 && four <= 2720);
    return two == 35 || two == 50 || two == 56 || two == 57 || two == 58 || (two >= 60 && two < 70);
}

/* Groups as they are printed on cards: 4-4-4-4, 4-6-5, 4-6-4, 4-4-4-4-3; or one group. `groups` has a digit per
 * group. */
static bool is_grouped(unsigned groups, size_t count)
{
    return (count == 16 && groups == 4444) || (count == 15 && groups == 465) || (count == 14 && groups == 464)
           || (count == 19 && groups == 44443);
}

static bool is_card(const uint8_t *digits, size_t count)
{
    return count >= MIN_DIGITS && count <= MAX_DIGITS && is_issued(digits, count) && is_luhn(digits, count);
}

/* Whether the byte at `at` may come after a card number: no letter, and no digit of a fraction. */
static bool ends_card(const scope_scan *scan, size_t at)
{
    if (at >= scan->length)
        return true;
    char next = at + 1 < scan->length ? scan->text[at + 1] : 0;
    return !scope_is_alnum(scan->text[at]) && scan->text[at] != '_' && !(scan->text[at] == '.' && scope_is_digit(next));
}

static bool begins_number(const scope_scan *scan)
{
    char before = scope_behind(scan, 1);
    if (before == '-')
        return !scope_is_digit(scope_behind(scan, 2));
    return !scope_is_alnum(before) && before != '.' && before != '_';
}

static bool hide_card(scope_scan *scan)
{
    uint8_t digits[MAX_DIGITS];
    size_t count = 0, group = 0, at = scan->read;
    unsigned groups = 0;
    char separator = 0;
    while (at < scan->length && count < MAX_DIGITS && scope_is_digit(scan->text[at])) {
        digits[count++] = (uint8_t)(scan->text[at++] - '0');
        group++;
        if (at < scan->length && scope_is_digit(scan->text[at]))
            continue;
        groups = groups * 10 + (unsigned)(group < 9 ? group : 9);
        bool is_single = groups == 9 && separator == 0;
        if ((is_single || is_grouped(groups, count)) && ends_card(scan, at) && is_card(digits, count)) {
            scope_hide(scan, 0, at);
            return true;
        }
        char c = at < scan->length ? scan->text[at] : 0;
        if ((c != ' ' && c != '-') || (separator && c != separator) || group > 6 || groups > 9999)
            break;
        separator = c;
        group = 0;
        at++;
    }
    return false;
}

/* Moves on beyond the digits in any case: no number begins within another. */
bool scope_redact_card(scope_scan *scan)
{
    char first = scope_ahead(scan, 0);
    bool may_be_card = first >= '2' && first <= '6' && begins_number(scan);
    if (!may_be_card || !hide_card(scan))
        scope_keep(scan, scope_run_end(scan, scan->read, SCOPE_CLASS_DIGIT));
    return true;
}

/* --- e-mail addresses --------------------------------------------------------------------------------------------- */

static bool is_local(char c)
{
    return scope_class(c) & SCOPE_CLASS_BASE64URL || c == '.' || c == '+' || c == '%' || (unsigned char)c >= 0x80;
}

/* name@host.domain; the name is taken back from the result, at most 64 bytes of it. */
bool scope_redact_email(scope_scan *scan)
{
    size_t local = 0;
    while (local < 64 && local < scan->written && is_local(scope_behind(scan, local + 1)))
        local++;
    while (local > 0 && ((unsigned char)scope_behind(scan, local) & 0xC0) == 0x80)
        local--; /* not from the middle of a character */
    size_t start = scan->read + 1, end = start;
    while (end < scan->length && (scope_is_alnum(scan->text[end]) || scan->text[end] == '-' || scan->text[end] == '.'))
        end++;
    while (end > start && !scope_is_alnum(scan->text[end - 1]))
        end--; /* the end of a sentence */
    size_t dot = end;
    while (dot > start && scan->text[dot - 1] != '.')
        dot--;
    /* `dot` is the index after the last one; no domain ends in a number, as package@1.20 does */
    bool is_domain = dot > start + 1 && end - dot >= 2 && scope_class(scan->text[dot]) & SCOPE_CLASS_ALPHA;
    if (local == 0 || !is_domain)
        return false;
    scope_hide(scan, local, end);
    return true;
}
