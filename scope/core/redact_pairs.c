/* Secrets that are told by what stands before them: a name, a scheme, a word of SQL. */
#include "redact_scan.h"

#define NAME_LOOK 64 /* bytes of a name that are looked at */
#define MAX_SLASHES 3 /* before a quote: a literal within a literal within a literal */

size_t scope_literal_end(const char *text, size_t start, size_t length, char quote, size_t slashes)
{
    size_t run = 0; /* backslashes before `at` */
    for (size_t at = start; at < length; at++) {
        char c = text[at];
        if (c == '\\') {
            run++;
            continue;
        }
        bool closes = slashes ? run <= slashes : run % 2 == 0;
        if (c == quote && closes) {
            bool doubled = !slashes && at > start && at + 1 < length && text[at + 1] == quote;
            if (!doubled)
                return at - (slashes && run == slashes ? slashes : 0);
            at++;
        }
        run = 0;
    }
    return length;
}

/* --- the name before ---------------------------------------------------------------------------------------------- */

typedef struct {
    const char *text;
    size_t size;
    size_t start; /* its index in the result */
    char quote; /* that encloses it, or 0 */
} pair_name;

static bool is_name_byte(char c)
{
    return scope_class(c) & SCOPE_CLASS_BASE64URL || c == '.';
}

/* The index before an enclosure at the end of a name: `]`, `%5D`, and a quote, with a backslash if it is escaped. */
static size_t before_enclosure(const char *text, size_t end, char *quote)
{
    if (end > 0 && text[end - 1] == ']')
        end--;
    else if (end > 2 && text[end - 3] == '%' && text[end - 2] == '5' && scope_lower(text[end - 1]) == 'd')
        end -= 3;
    if (end > 0 && scope_is_quote(text[end - 1])) {
        *quote = text[--end];
        while (end > 0 && text[end - 1] == '\\')
            end--;
    }
    return end;
}

static pair_name find_name(const scope_scan *scan)
{
    pair_name name = {0};
    size_t end = before_enclosure(scan->text, scope_before_blanks(scan->text, scan->written), &name.quote);
    size_t start = end;
    while (start > 0 && end - start < NAME_LOOK && is_name_byte(scan->text[start - 1]))
        start--;
    if (start > 0 && scan->text[start - 1] == '%' && end - start > 2)
        start += 2; /* the digits of an encoded character */
    name.text = scan->text + start;
    name.size = end - start;
    name.start = start;
    return name;
}

/* --- the value after ---------------------------------------------------------------------------------------------- */

static bool is_opener(char c)
{
    return c == '(' || c == '[' || c == '{';
}

static bool is_closer(char c)
{
    return c == ')' || c == ']' || c == '}';
}

/* The index after the bracket that closes the one at `at`, `length` if none does. */
static size_t container_end(const char *text, size_t at, size_t length)
{
    size_t depth = 0;
    while (at < length) {
        char c = text[at++];
        if (scope_is_quote(c)) {
            at = scope_literal_end(text, at, length, c, 0);
            at += at < length;
        } else if (is_opener(c)) {
            depth++;
        } else if (is_closer(c) && --depth == 0) {
            return at;
        }
    }
    return length;
}

/* Whether a name and its separator come at `at`: then the comma before it ends a value. */
static bool begins_pair(const char *text, size_t at, size_t length)
{
    while (at < length && scope_is_space(text[at]))
        at++;
    size_t start = at;
    while (at < length && at - start < NAME_LOOK && (is_name_byte(text[at]) || scope_is_quote(text[at])))
        at++;
    return at > start && at < length && (text[at] == '=' || text[at] == ':');
}

static bool ends_bare(const char *text, size_t at, size_t start, size_t length)
{
    char c = text[at], next = at + 1 < length ? text[at + 1] : 0;
    if (scope_is_space(c) || c == '&' || c == ';' || c == 0)
        return true;
    if (scope_is_quote(c))
        return !scope_is_alnum(next);
    if (c == '%')
        return next == '2' && at + 2 < length && text[at + 2] == '6';
    return (c == '<' && at > start) || (c == ',' && begins_pair(text, at + 1, length));
}

/* The end of a value without quotes: brackets in it are taken whole. */
static size_t bare_end(const char *text, size_t at, size_t length)
{
    size_t start = at;
    while (at < length && !ends_bare(text, at, start, length))
        at = is_opener(text[at]) ? container_end(text, at, length) : at + 1;
    return at;
}

/* The end of the line; of the literal that began before the name; of the parameter. */
static size_t line_end(const char *text, size_t at, size_t length, char around, char separator)
{
    while (at < length && text[at] != '\n' && text[at] != '\r' && !(around && text[at] == around)
           && !(separator == '=' && text[at] == '&'))
        at++;
    return at;
}

/* Parameters and empty values show nothing, and are worth seeing: ? %s %(name)s $1 None null true false. */
static bool is_placeholder(const char *text, size_t size)
{
    static const char *const words[] = {"?", "%s", "none", "null", "nil", "true", "false", "undefined"};
    while (size > 0 && (is_closer(text[size - 1]) || text[size - 1] == ','))
        size--;
    for (size_t index = 0; index < sizeof words / sizeof *words; index++)
        if (strlen(words[index]) == size && scope_ends_in_word(text, size, words[index]))
            return true;
    if (size > 1 && text[0] == '$') {
        size_t digits = 1;
        while (digits < size && scope_is_digit(text[digits]))
            digits++;
        return digits > 1 && (digits == size || text[digits] == ':');
    }
    return size > 3 && text[0] == '%' && text[1] == '(' && text[size - 1] == 's';
}

/* The index at which a value's literal opens (that of its quote), or `at` if it has no quotes: b'x', \"x\". */
static size_t find_quote(const char *text, size_t at, size_t length, size_t *slashes)
{
    size_t quote = at;
    while (quote < length && quote - at < 2 && scope_class(text[quote]) & SCOPE_CLASS_ALPHA
           && strchr("bBrRuUfFnNeE", text[quote]))
        quote++;
    size_t before = quote;
    while (quote < length && quote - before < MAX_SLASHES && text[quote] == '\\')
        quote++;
    *slashes = quote - before;
    return quote < length && scope_is_quote(text[quote]) ? quote : at;
}

static size_t skip_blanks(const scope_scan *scan, size_t at)
{
    while (at < scan->length && (scan->text[at] == ' ' || scan->text[at] == '\t'))
        at++;
    return at;
}

static bool hide_literal(scope_scan *scan, size_t quote, size_t slashes)
{
    size_t end = scope_literal_end(scan->text, quote + 1, scan->length, scan->text[quote], slashes);
    scope_keep(scan, quote + 1);
    if (!is_placeholder(scan->text + scan->read, end - scan->read))
        scope_hide(scan, 0, end);
    return true;
}

static bool hide_value(scope_scan *scan, size_t at, enum scope_secret kind, char around, char separator)
{
    size_t slashes, quote = find_quote(scan->text, at, scan->length, &slashes);
    if (quote < scan->length && scope_is_quote(scan->text[quote]) && scan->text[quote] != around)
        return hide_literal(scan, quote, slashes);
    size_t end = kind == SCOPE_SECRET_LINE ? line_end(scan->text, at, scan->length, around, separator)
                                           : bare_end(scan->text, at, scan->length);
    if (end == at || is_placeholder(scan->text + at, end - at))
        return false;
    scope_keep(scan, at);
    scope_hide(scan, 0, end);
    return true;
}

/* The index after the separator at the anchor: = == => : := %3D; 0 if it is none. */
static size_t after_separator(const scope_scan *scan)
{
    char c = scope_ahead(scan, 0);
    size_t size = 1;
    if (c == '%')
        return scope_ahead(scan, 1) == '3' && scope_lower(scope_ahead(scan, 2)) == 'd' ? scan->read + 3 : 0;
    if (c == ':' && scope_ahead(scan, 1) == ':')
        return 0;
    while (scope_ahead(scan, size) == '=' || (c == '=' && scope_ahead(scan, size) == '>'))
        size++;
    return scan->read + size;
}

/* Two literals in brackets, or an option and its value: (b'cookie', b'x'), ['--password', 'x']. */
static bool redact_couple(scope_scan *scan)
{
    pair_name name = find_name(scan);
    if (!name.quote || scope_secret_kind(name.text, name.size) == SCOPE_SECRET_NONE)
        return false;
    size_t opening = name.start > 0 ? name.start - 1 : 0;
    if (opening > 0 && scan->text[opening - 1] == 'b')
        opening--;
    bool is_first = opening > 0 && is_opener(scan->text[opening - 1]);
    bool is_option = name.size > 2 && name.text[0] == '-' && name.text[1] == '-';
    size_t slashes, at = skip_blanks(scan, scan->read + 1), quote = find_quote(scan->text, at, scan->length, &slashes);
    if (!(is_first || is_option) || quote >= scan->length || !scope_is_quote(scan->text[quote]))
        return false;
    size_t end = scope_literal_end(scan->text, quote + 1, scan->length, scan->text[quote], slashes);
    bool is_last = end == scan->length || (end + 1 < scan->length && is_closer(scan->text[end + 1]));
    return (is_option || is_last) && hide_literal(scan, quote, slashes);
}

bool scope_redact_pair(scope_scan *scan)
{
    char separator = scope_ahead(scan, 0);
    if (separator == ',')
        return redact_couple(scan);
    size_t at = after_separator(scan);
    if (at == 0)
        return false;
    at = skip_blanks(scan, at);
    pair_name name = find_name(scan);
    enum scope_secret kind = scope_secret_kind(name.text, name.size);
    if (at >= scan->length)
        return false;
    if (scan->password_for && separator == '=' && scope_is_quote(scan->text[at])) {
        scan->password_for = false;
        kind = SCOPE_SECRET_VALUE;
    }
    if (kind == SCOPE_SECRET_NONE)
        return false;
    char before = name.start > 0 ? scan->text[name.start - 1] : 0;
    return hide_value(scan, at, kind, !name.quote && scope_is_quote(before) ? before : 0, separator);
}

/* --- the password of a URL ---------------------------------------------------------------------------------------- */

static bool ends_url(char c)
{
    return scope_is_space(c) || scope_is_quote(c) || c == '<' || c == '>' || c == 0;
}

static bool is_port(const char *text, size_t size)
{
    size_t digits = 0;
    while (digits < size && scope_is_digit(text[digits]))
        digits++;
    while (digits > 0 && digits < size && strchr(".,;:!)]}", text[digits]) && text[digits])
        digits++;
    return digits == size && size > 0;
}

static bool ends_host(char c)
{
    return c == '/' || c == '?' || c == '#';
}

/* The last @ from `at` to the end of the URL; 0 if there is none. */
static size_t last_sign(const char *text, size_t at, size_t length)
{
    size_t sign = 0;
    for (; at < length && !ends_url(text[at]); at++) {
        if (text[at] == '@')
            sign = at;
        else if (text[at] == ':' && at + 2 < length && text[at + 1] == '/' && text[at + 2] == '/')
            break;
    }
    return sign;
}

/* scheme://user:password@host. A password may hold, against the rules, the characters that end the host: so if what
 * follows the user is no port, an @ is looked for beyond them. Where the text ends before any @, it was cut there. */
bool scope_redact_url(scope_scan *scan)
{
    if (!scope_is_ahead(scan, 1, "//") || scope_ahead(scan, 3) == '[')
        return false;
    const char *text = scan->text;
    size_t colon = 0, sign = 0, at = scan->read + 3;
    for (; at < scan->length && !ends_url(text[at]) && !ends_host(text[at]); at++) {
        if (text[at] == ':' && !colon)
            colon = at;
        else if (text[at] == '@' && colon)
            sign = at;
    }
    if (colon && !sign && !is_port(text + colon + 1, at - colon - 1))
        sign = at == scan->length ? at : last_sign(text, at, scan->length);
    if (!colon || sign <= colon + 1)
        return false;
    scope_keep(scan, colon + 1);
    scope_hide(scan, 0, sign);
    return true;
}

/* --- literals of SQL ---------------------------------------------------------------------------------------------- */

void scope_watch_sql(scope_scan *scan)
{
    if (scope_ends_in_word(scan->text, scan->written, "identified"))
        scan->identified = true;
    else if (scope_ends_in_word(scan->text, scan->written, "password"))
        scan->password_for = scope_lower(scope_ahead(scan, 1)) == 'f' && scope_lower(scope_ahead(scan, 2)) == 'o'
                             && scope_lower(scope_ahead(scan, 3)) == 'r' && scope_ahead(scan, 4) == ' ';
}

/* PASSWORD 'x', PASSWORD('x'), IDENTIFIED BY 'x', IDENTIFIED WITH plugin AS 'x'; a prefix as in E'x' is let pass. */
bool scope_redact_sql(scope_scan *scan)
{
    const char *text = scan->text;
    size_t end = scan->written;
    char prefix = end > 1 && scope_is_space(text[end - 2]) ? scope_lower(text[end - 1]) : 0;
    if (prefix == 'e' || prefix == 'n')
        end--;
    size_t word = end;
    while (word > 0 && end - word < 8 && (scope_is_space(text[word - 1]) || text[word - 1] == '('))
        word--;
    if (word == end)
        return false;
    bool named = scope_ends_in_word(text, word, "password") || scope_ends_in_word(text, word, "passwd")
                 || scope_ends_in_word(text, word, "passphrase");
    bool follows = scope_ends_in_word(text, word, "by") || scope_ends_in_word(text, word, "as");
    bool identified = scan->identified && follows;
    scan->identified = scan->identified && !identified;
    return (named || identified) && hide_literal(scan, scan->read, 0);
}
