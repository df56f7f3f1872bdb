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
};
#define ANY_ANCHOR 127

static const uint8_t ANCHORS[256] = {
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

/* Whether seven bytes in a row, counted from a multiple of seven, are all from 0x20 to 0x3F, where digits, space and dash
 * are. 13 bytes in a row hold seven such, so no card number goes unseen. */
static bool may_hold_card(const char *text, size_t length)
{
    const uint64_t high_bits = UINT64_C(0x00E0E0E0E0E0E0E0), wanted = UINT64_C(0x0020202020202020);
    for (size_t at = 0; at + 7 <= length; at += 7) {
        uint64_t seven = 0;
        memcpy(&seven, text + at, 7);
        if ((seven & high_bits) == wanted)
            return true;
    }
    return false;
}

/* False for most short values that people store: ids, names, numbers, paths. */
static bool may_hold_secret(const char *text, size_t length, unsigned flags)
{
    if (length < SHORTEST_PAIR)
        return false;
    unsigned found = 0;
    for (size_t at = 0; at < length; at++)
        found |= ANCHORS[(uint8_t)text[at]];
    if (found & (ANCHOR_PAIR | ANCHOR_COLON | ANCHOR_QUOTE))
        return true;
    if (found & ANCHOR_SPACE && length >= SHORTEST_CREDENTIALS)
        return true;
    if (found & ANCHOR_AT && flags & SCOPE_REDACT_EMAIL)
        return true;
    /* Every key has letters beyond the hexadecimal ones: a UUID has not. */
    if (found & ANCHOR_KEY && found & OTHER_LETTER && length >= SHORTEST_KEY)
        return true;
    return found & ANCHOR_DIGIT && length >= SHORTEST_CARD && may_hold_card(text, length);
}

static bool redact_at(scope_scan *scan, unsigned anchor, unsigned flags)
{
    switch (anchor & ANY_ANCHOR) {
    case ANCHOR_PAIR:
        return scope_redact_pair(scan);
    case ANCHOR_COLON:
        return scope_redact_url(scan) || scope_redact_pair(scan);
    case ANCHOR_QUOTE:
        return scope_redact_sql(scan);
    case ANCHOR_SPACE:
        scope_watch_sql(scan);
        return scope_redact_credentials(scan);
    case ANCHOR_KEY:
        return scope_redact_key(scan) || scope_redact_jwt(scan) || scope_redact_pem(scan);
    case ANCHOR_DIGIT:
        return scope_redact_card(scan);
    case ANCHOR_AT:
        return flags & SCOPE_REDACT_EMAIL && scope_redact_email(scan);
    default:
        return false;
    }
}

size_t scope_redact_with(char *text, size_t length, unsigned flags)
{
    if (!may_hold_secret(text, length, flags))
        return length;
    scope_scan scan = {.text = text, .length = length};
    while (scan.read < length) {
        unsigned anchor = ANCHORS[(uint8_t)text[scan.read]];
        if (!(anchor & ANY_ANCHOR) || !redact_at(&scan, anchor, flags))
            text[scan.written++] = text[scan.read++];
    }
    return scan.written;
}

size_t scope_redact(char *text, size_t length)
{
    return scope_redact_with(text, length, 0);
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
