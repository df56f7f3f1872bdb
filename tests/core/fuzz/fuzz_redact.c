/* Redaction: any bytes, in place, never longer, UTF-8 stays UTF-8, no memory, time linear in the length. */
#include "fuzz.h"
#include "redact.h"

/* Whether `text` is UTF-8, surrogates and overlong forms aside: redaction need only keep characters whole. */
static bool is_utf8(const char *text, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        unsigned char lead = (unsigned char)text[at];
        size_t more = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC2 ? 1 : 9;
        if (more > 3 || lead > 0xF4 || more >= size - at)
            return false;
        for (; more > 0; more--)
            if (((unsigned char)text[++at] & 0xC0) != 0x80)
                return false;
    }
    return true;
}

static void check(const uint8_t *data, size_t size)
{
    char *text = exact_copy(data, size);
    bool well_formed = is_utf8(text, size);
    size_t length = scope_redact(text, size);
    HOLDS(length <= size, "%zu of %zu", length, size);
    HOLDS(!well_formed || is_utf8(text, length), "a character is cut");
    free(text);
}

static void check_cut(const uint8_t *data, size_t size, size_t max)
{
    char *text = exact_copy(data, size);
    bool well_formed = is_utf8(text, size);
    size_t length = scope_redact_and_cut(text, size, max);
    HOLDS(length <= size && length <= max, "%zu of %zu, cut to %zu", length, size, max);
    HOLDS(!well_formed || is_utf8(text, length), "a character is cut");
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source from = {data, size};
    uint8_t shape = take8(&from);
    uint8_t max = take8(&from);
    memory_begin(2 * size + 64);
    check(from.at, from.left);
    check_cut(from.at, from.left, max);
    if (shape >= STRETCHED && from.left)
        scope_redact(stretch(&from), STRETCH);
    memory_end();
    return 0;
}
