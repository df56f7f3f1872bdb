/* Bundles: records of equal length as one, without what they have in common. What they are is told in bundle.h. */
#include "bundle.h"

#include <stdlib.h>
#include <string.h>

#include "record.h"

/* Sets in `varies`, of `size` bytes rounded up to words, the bits in which the rows differ from the first. */
static void compare(uint64_t *varies, const uint8_t *const *rows, size_t count, size_t size)
{
    size_t words = size / 8, rest = size % 8;
    for (size_t row = 1; row < count; row++) {
        for (size_t word = 0; word < words; word++)
            varies[word] |= scope_load64(rows[row] + 8 * word) ^ scope_load64(rows[0] + 8 * word);
        uint8_t *last = (uint8_t *)(varies + words);
        for (size_t byte = 0; byte < rest; byte++)
            last[byte] |= rows[row][8 * words + byte] ^ rows[0][8 * words + byte];
    }
}

/* Writes the mask; the numbers of the columns that vary go to `columns`. How many they are. */
static size_t mark(uint8_t *mask, uint32_t *columns, const uint8_t *varies, size_t size)
{
    size_t found = 0;
    memset(mask, 0, (size + 7) / 8);
    for (size_t byte = 0; byte < size; byte++) {
        if (!varies[byte])
            continue;
        mask[byte / 8] |= (uint8_t)(1u << byte % 8);
        columns[found++] = (uint32_t)byte;
    }
    return found;
}

bool scope_bundle_plan(scope_bundle *bundle, const uint8_t *const *rows, size_t count, size_t size)
{
    uint64_t *varies = calloc((size + 7) / 8 + 1, 8);
    *bundle = (scope_bundle){.rows = rows, .count = count, .size = size};
    bundle->mask = malloc((size + 7) / 8 + 1);
    bundle->columns = malloc((size + 1) * sizeof *bundle->columns);
    bool enough = varies && bundle->mask && bundle->columns;
    if (enough) {
        compare(varies, rows, count, size);
        bundle->column_count = mark(bundle->mask, bundle->columns, (const uint8_t *)varies, size);
        bundle->bytes = size + (size + 7) / 8 + bundle->column_count * count;
    } else
        scope_bundle_drop(bundle);
    free(varies);
    return enough;
}

void scope_bundle_write(const scope_bundle *bundle, uint8_t *to)
{
    memcpy(to, bundle->rows[0], bundle->size);
    to += bundle->size;
    memcpy(to, bundle->mask, (bundle->size + 7) / 8);
    to += (bundle->size + 7) / 8;
    for (size_t column = 0; column < bundle->column_count; column++)
        for (size_t row = 0; row < bundle->count; row++)
            *to++ = bundle->rows[row][bundle->columns[column]];
}

void scope_bundle_drop(scope_bundle *bundle)
{
    free(bundle->mask);
    free(bundle->columns);
    bundle->mask = NULL;
    bundle->columns = NULL;
}
