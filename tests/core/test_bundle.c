/* Bundles hold every byte of every row, and what is the same in all rows once. */
#include "../../scope/core/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define ROWS_MAX 9
#define SIZE_MAX_TRIED 40

/* Byte `at` of row `row`, as the format says. */
static uint8_t read_back(const uint8_t *bundle, size_t count, size_t size, size_t row, size_t at)
{
    const uint8_t *mask = bundle + size;
    const uint8_t *column = mask + (size + 7) / 8;
    for (size_t byte = 0; byte < at; byte++)
        if (mask[byte / 8] >> byte % 8 & 1)
            column += count;
    return mask[at / 8] >> at % 8 & 1 ? column[row] : bundle[at];
}

static void try_rows(uint8_t (*bytes)[SIZE_MAX_TRIED], size_t count, size_t size, size_t varying)
{
    const uint8_t *rows[ROWS_MAX];
    for (size_t row = 0; row < count; row++)
        rows[row] = bytes[row];
    scope_bundle bundle;
    CHECK(scope_bundle_plan(&bundle, rows, count, size), "%zu rows of %zu bytes", count, size);
    CHECK(bundle.bytes == size + (size + 7) / 8 + varying * count, "%zu bytes", bundle.bytes);
    uint8_t *written = malloc(bundle.bytes + 1);
    written[bundle.bytes] = 0xA5;
    scope_bundle_write(&bundle, written);
    CHECK(written[bundle.bytes] == 0xA5, "written beyond %zu bytes", bundle.bytes);
    for (size_t row = 0; row < count; row++)
        for (size_t at = 0; at < size; at++)
            CHECK(read_back(written, count, size, row, at) == bytes[row][at], "byte %zu of row %zu", at, row);
    scope_bundle_drop(&bundle);
    free(written);
}

static void every_single_byte_that_varies_is_kept(void)
{
    for (size_t size = 0; size <= SIZE_MAX_TRIED; size++)
        for (size_t at = 0; at < size; at++)
            for (size_t row = 0; row < 3; row++) {
                uint8_t bytes[ROWS_MAX][SIZE_MAX_TRIED];
                memset(bytes, 0x5A, sizeof bytes);
                bytes[row][at] ^= (uint8_t)(1u << at % 8);
                try_rows(bytes, 3, size, 1);
            }
}

static void rows_that_are_the_same_are_written_once(void)
{
    uint8_t bytes[ROWS_MAX][SIZE_MAX_TRIED] = {{0}};
    for (size_t count = 1; count <= ROWS_MAX; count++)
        for (size_t size = 0; size <= SIZE_MAX_TRIED; size++)
            try_rows(bytes, count, size, 0);
}

static void rows_with_nothing_in_common_are_kept_whole(void)
{
    uint8_t bytes[ROWS_MAX][SIZE_MAX_TRIED];
    for (size_t row = 0; row < ROWS_MAX; row++)
        for (size_t at = 0; at < SIZE_MAX_TRIED; at++)
            bytes[row][at] = (uint8_t)(row * 29 + at);
    for (size_t size = 0; size <= SIZE_MAX_TRIED; size++)
        try_rows(bytes, ROWS_MAX, size, size);
}

int main(void)
{
    every_single_byte_that_varies_is_kept();
    rows_that_are_the_same_are_written_once();
    rows_with_nothing_in_common_are_kept_whole();
    return CHECK_RESULT();
}
