/* The pass over the text, and the look beforehand that spares ordinary values the pass. */
#include "redact.h"

#include "redact_scan.h"

/* Bits of ANCHORS: which part of redaction a byte calls. */
enum {
    ANCHOR_PAIR = 1, /* = , % */
    ANCHOR_COLON = 2,
    ANCHOR_QUOTE = 4,
    ANCHOR_SPACE = 8,
    ANCHOR_KEY = 16, /* - _ I J */
    ANCHOR_DIGIT = 32,
    ANCHOR_AT = 64,
    OTHER_LETTER = 128, /* no anchor: a letter that is no hexadecimal digit */
    ANCHOR_DOT = 256,
};
#define ANY_ANCHOR (127 | ANCHOR_DOT)

static const uint16_t ANCHORS[256] = {
    ['='] = ANCHOR_PAIR,
    [','] = ANCHOR_PAIR,
    ['%'] = ANCHOR_PAIR,
    [':'] = ANCHOR_COLON,
    ['"'] = ANCHOR_QUOTE,
    ['\''] = ANCHOR_QUOTE,
    [' '] = ANCHOR_SPACE,
    ['-'] = ANCHOR_KEY,
    ['_'] = ANCHOR_KEY | OTHER_LETTER,
    ['I'] = ANCHOR_KEY | OTHER_LETTER,
    ['J'] = ANCHOR_KEY | OTHER_LETTER,
    ['@'] = ANCHOR_AT,
    ['.'] = ANCHOR_DOT,
    ['0'] = ANCHOR_DIGIT, ['1'] = ANCHOR_DIGIT, ['2'] = ANCHOR_DIGIT, ['3'] = ANCHOR_DIGIT, ['4'] = ANCHOR_DIGIT,
    ['5'] = ANCHOR_DIGIT, ['6'] = ANCHOR_DIGIT, ['7'] = ANCHOR_DIGIT, ['8'] = ANCHOR_DIGIT, ['9'] = ANCHOR_DIGIT,
    ['G'] = OTHER_LETTER, ['H'] = OTHER_LETTER, ['K'] = OTHER_LETTER, ['L'] = OTHER_LETTER, ['M'] = OTHER_LETTER,
    ['N'] = OTHER_LETTER, ['O'] = OTHER_LETTER, ['P'] = OTHER_LETTER, ['Q'] = OTHER_LETTER, ['R'] = OTHER_LETTER,
    ['S'] = OTHER_LETTER, ['T'] = OTHER_LETTER, ['U'] = OTHER_LETTER, ['V'] = OTHER_LETTER, ['W'] = OTHER_LETTER,
    ['X'] = OTHER_LETTER, ['Y'] = OTHER_LETTER, ['Z'] = OTHER_LETTER, ['g'] = OTHER_LETTER, ['h'] = OTHER_LETTER,
    ['i'] = OTHER_LETTER, ['j'] = OTHER_LETTER, ['k'] = OTHER_LETTER, ['l'] = OTHER_LETTER, ['m'] = OTHER_LETTER,
    ['n'] = OTHER_LETTER, ['o'] = OTHER_LETTER, ['p'] = OTHER_LETTER, ['q'] = OTHER_LETTER, ['r'] = OTHER_LETTER,
    ['s'] = OTHER_LETTER, ['t'] = OTHER_LETTER, ['u'] = OTHER_LETTER, ['v'] = OTHER_LETTER, ['w'] = OTHER_LETTER,
    ['x'] = OTHER_LETTER, ['y'] = OTHER_LETTER, ['z'] = OTHER_LETTER,
};

enum {
    SHORTEST_PAIR = 5, /* pin=1 */
    SHORTEST_CREDENTIALS = 8, /* Bearer x */
    SHORTEST_KEY = 15, /* xoxb- and ten more */
    SHORTEST_CARD = 14,
};

static bool is_card_byte(char c)
{
    return scope_is_digit(c) || c == ' ' || c == '-';
}

/* Whether what a card number consists of goes on, around `at`, for as long as the shortest. */
static bool is_long_number(const char *text, size_t at, size_t length)
{
    size_t start = at, end = at;
    while (start > 0 && at - start < SHORTEST_CARD && is_card_byte(text[start - 1]))
        start--;
    while (end < length && end - start < SHORTEST_CARD && is_card_byte(text[end]))
        end++;
    return end - start >= SHORTEST_CARD;
}

/* Looks at every seventh byte and the six after it: 13 in a row hold seven that begin at a multiple of seven, and
 * those are all from 0x20 to 0x3F, where digits, space and dash are. So no card number goes unseen, and an id costs
 * little. */
static bool may_hold_card(const char *text, size_t length)
{
    const uint64_t high_bits = UINT64_C(0xE0E0E0E0E0E0E000), wanted = UINT64_C(0x2020202020202000);
    for (size_t at = 0; at + 7 <= length; at += 7) {
        uint64_t eight; /* the seven, and before them one that does not count: nothing is read beyond the end */
        memcpy(&eight, text + at - (at > 0), sizeof eight);
        eight <<= at > 0 ? 0 : 8;
        if ((eight & high_bits) == wanted && is_long_number(text, at, length))
            return true;
    }
    return false;
}

/* Whether some dot stands behind one of the letters that keys with a dot have there: SG. ya29. hvs. */
static bool may_hold_dotted(const char *text, size_t length)
{
    const char *end = text + length, *at = text;
    while ((at = memchr(at, '.', (size_t)(end - at))))
        if (at++ > text && strchr("G9s", at[-2]))
            return true;
    return false;
}

/* False for most short values that people store: ids, names, numbers, paths. */
static bool may_hold_secret(const char *text, size_t length)
{
    if (length < SHORTEST_PAIR)
        return false;
    const uint8_t *bytes = (const uint8_t *)text;
    unsigned found = 0;
    size_t at = 0;
    for (; at + 4 <= length; at += 4)
        found |= ANCHORS[bytes[at]] | ANCHORS[bytes[at + 1]] | ANCHORS[bytes[at + 2]] | ANCHORS[bytes[at + 3]];
    for (; at < length; at++)
        found |= ANCHORS[bytes[at]];
    if (found & (ANCHOR_PAIR | ANCHOR_COLON | ANCHOR_QUOTE))
        return true;
    if (found & ANCHOR_SPACE && length >= SHORTEST_CREDENTIALS)
        return true;
    if (found & ANCHOR_AT)
        return true;
    /* Every key has letters beyond the hexadecimal ones: a UUID has not. */
    if (found & ANCHOR_KEY && found & OTHER_LETTER && length >= SHORTEST_KEY)
        return true;
    if (found & ANCHOR_DOT && length >= SHORTEST_KEY && may_hold_dotted(text, length))
        return true;
    return found & ANCHOR_DIGIT && length >= SHORTEST_CARD && may_hold_card(text, length);
}

static bool redact_at(scope_scan *scan, unsigned anchor)
{
    switch (anchor & ANY_ANCHOR) {
    case ANCHOR_PAIR:
        return scope_redact_pair(scan);
    case ANCHOR_COLON:
        return scope_redact_webhook(scan) || scope_redact_url(scan) || scope_redact_pair(scan);
    case ANCHOR_QUOTE:
        return scope_redact_sql(scan);
    case ANCHOR_SPACE:
        scope_watch_sql(scan);
        return scope_redact_credentials(scan);
    case ANCHOR_KEY:
        return scope_redact_key(scan) || scope_redact_jwt(scan) || scope_redact_pem(scan);
    case ANCHOR_DOT:
        return scope_redact_key(scan);
    case ANCHOR_DIGIT:
        return scope_redact_card(scan);
    default: /* ANCHOR_AT */
        return scope_redact_email(scan);
    }
}

size_t scope_redact(char *text, size_t length)
{
    if (!may_hold_secret(text, length))
        return length;
    scope_scan scan = {.text = text, .length = length};
    while (scan.read < length) {
        unsigned anchor = ANCHORS[(uint8_t)text[scan.read]];
        if (!(anchor & ANY_ANCHOR) || !redact_at(&scan, anchor))
            text[scan.written++] = text[scan.read++];
    }
    return scan.written;
}

size_t scope_redact_and_cut(char *text, size_t length, size_t max)
{
    length = scope_redact(text, length);
    if (length <= max)
        return length;
    while (max > 0 && ((uint8_t)text[max] & 0xC0) == 0x80)
        max--;
    return max;
}
