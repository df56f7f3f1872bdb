/* Definitions: numbered from 1, whole before they are seen, and never more than fit. */
#include "check.h"
#include "segments.h"

static uint64_t definitions_lost(const scope_segment *segment)
{
    return atomic_load(&segment->control->lost[SCOPE_LOST_DEFINITIONS_FULL]);
}

static void entries_are_numbered_and_follow_each_other(void)
{
    scope_segment segment = new_segment(&SMALL);
    uint8_t payload[64];
    uint64_t at = 0;
    memset(payload, 0xAB, sizeof payload);
    for (uint32_t length = 0; length < sizeof payload; length++) {
        enum scope_definition kind = (enum scope_definition)(SCOPE_DEFINE_NAME + length % 4);
        CHECK(scope_define(&segment, kind, payload, length) == length + 1, "entry %u", length);
        const uint8_t *entry = (const uint8_t *)segment.definitions + at;
        uint32_t bytes = scope_load32(entry);
        CHECK(bytes == (8 + length + 7) / 8 * 8, "entry %u takes %u bytes", length, bytes);
        CHECK(scope_load16(entry + 4) == kind && scope_load16(entry + 6) == 0, "kind");
        CHECK(memcmp(entry + 8, payload, length) == 0, "payload");
        for (uint32_t pad = 8 + length; pad < bytes; pad++)
            CHECK(entry[pad] == 0, "padding");
        at += bytes;
        CHECK(atomic_load(&segment.control->definitions_tail) == at, "tail");
        CHECK(atomic_load(&segment.control->definitions_count) == length + 1, "count");
    }
    scope_segment_close(&segment);
}

static void what_does_not_fit_is_refused_and_counted_and_smaller_ones_still_fit(void)
{
    scope_segment segment = new_segment(&SMALL);
    uint8_t payload[1000] = {0};
    uint32_t made = 0;
    while (scope_define(&segment, SCOPE_DEFINE_NAME, payload, sizeof payload))
        made++;
    CHECK(made == SCOPE_PAGE / 1008, "%u entries", made);
    CHECK(definitions_lost(&segment) == 1, "%llu", (unsigned long long)definitions_lost(&segment));
    CHECK(scope_define(&segment, SCOPE_DEFINE_NAME, payload, 8) == made + 1, "a small one");
    CHECK(scope_define(&segment, SCOPE_DEFINE_NAME, payload, 48) == 0, "more than is left");
    CHECK(scope_define(&segment, SCOPE_DEFINE_NAME, payload, 40) == made + 2, "just what is left");
    CHECK(atomic_load(&segment.control->definitions_tail) == SCOPE_PAGE, "not filled to the end");
    CHECK(scope_define(&segment, SCOPE_DEFINE_NAME, payload, 0) == 0 && definitions_lost(&segment) == 3, "beyond the end");
    scope_segment_close(&segment);
}

/* Within a disk that has no room for all definitions. */
static int define_beyond_the_disk(void)
{
    scope_segment_sizes sizes = SMALL;
    sizes.definitions_bytes = 64 * SCOPE_PAGE;
    scope_segment segment = new_segment(&sizes);
    uint8_t payload[4000] = {0};
    uint32_t made = 0;
    while (scope_define(&segment, SCOPE_DEFINE_NAME, payload, sizeof payload))
        made++;
    CHECK(made >= 4 && made < 60 && definitions_lost(&segment) == 1, "%u entries, %llu lost", made,
          (unsigned long long)definitions_lost(&segment));
    CHECK(segment.short_of_memory, "short of memory, and nobody knows");
    CHECK(!scope_can_define(&segment, sizeof payload) && definitions_lost(&segment) == 1, "asked, and counted");
    CHECK(mount("none", segments_directory, NULL, MS_REMOUNT, "size=1m") == 0, "no room made");
    CHECK(scope_can_define(&segment, sizeof payload), "asked with room");
    CHECK(scope_define(&segment, SCOPE_DEFINE_NAME, payload, sizeof payload) == made + 1, "with room");
    CHECK(!scope_can_define(&segment, 64 * SCOPE_PAGE), "more than is left");
    scope_segment_close(&segment);
    return check_failures;
}

static void a_full_disk_is_counted_and_can_be_mended(void)
{
    CHECK(with_small_disk(4 * SCOPE_PAGE / 1024 + 4 * BLOCK / 1024 + 2 * BLOCK / 1024, define_beyond_the_disk) == 0, "see above");
}

int main(void)
{
    entries_are_numbered_and_follow_each_other();
    what_does_not_fit_is_refused_and_counted_and_smaller_ones_still_fit();
    a_full_disk_is_counted_and_can_be_mended();
    return CHECK_RESULT();
}
