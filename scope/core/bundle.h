/* Bundles: byte strings of equal length, rows, written as one without what they have in common.
 *
 * Requests of one length are mostly requests of one kind, which differ in ids, times and little else. A bundle is
 * - the first row;
 * - a mask of one bit per byte of a row, the lowest first, padded to a whole byte: set where any row differs from the first;
 * - for each bit that is set, in order, that byte of each row.
 */
#ifndef SCOPE_BUNDLE_H
#define SCOPE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *const *rows; /* the caller's */
    size_t count, size; /* of the rows */
    uint8_t *mask;
    uint32_t *columns; /* numbers of the bytes that vary */
    size_t column_count;
    size_t bytes; /* what the bundle takes */
} scope_bundle;

/* Plans a bundle of `count` rows, at least one, of `size` bytes each; they stay where they are until it is dropped. False when
 * memory is short. */
bool scope_bundle_plan(scope_bundle *bundle, const uint8_t *const *rows, size_t count, size_t size);

/* Writes it: `bundle->bytes`. */
void scope_bundle_write(const scope_bundle *bundle, uint8_t *to);

void scope_bundle_drop(scope_bundle *bundle);

#endif
