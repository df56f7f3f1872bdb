/* What a process wrote of no request: kept in order, whole, and within bounds. */
#include "process_log.h"

#include "check.h"

static scope_process_record record(uint64_t position, const uint64_t *words, uint64_t count)
{
    return (scope_process_record){3, position, NULL, 0, words, count};
}

static void what_is_kept_comes_out_in_order_until_it_is_cleared(void)
{
    uint64_t introduction[4] = {1, 2, 3, 4}, first[5] = {5, 6, 7, 8, 9}, second[4] = {10, 11, 12, 13};
    scope_process_log log = {0};
    scope_process_record told = record(64, first, 5), untold = record(128, second, 4), found;
    told.introduction = introduction;
    told.introduction_words = 4;
    CHECK(scope_process_log_keep(&log, &told) && scope_process_log_keep(&log, &untold), "no room");
    size_t at = 0;
    CHECK(scope_process_log_next(&log, &at, &found), "none");
    CHECK(found.lane == 3 && found.position == 64 && found.words == 5 && found.introduction_words == 4, "the first");
    CHECK(memcmp(found.introduction, introduction, sizeof introduction) == 0, "its lane");
    CHECK(memcmp(found.record, first, sizeof first) == 0, "its words");
    CHECK(scope_process_log_next(&log, &at, &found), "one");
    CHECK(found.position == 128 && !found.introduction && memcmp(found.record, second, sizeof second) == 0, "the second");
    CHECK(!scope_process_log_next(&log, &at, &found), "more than two");
    scope_process_log_clear(&log);
    at = 0;
    CHECK(!scope_process_log_next(&log, &at, &found), "not cleared");
}

static void what_finds_no_room_is_refused_and_leaves_the_rest_as_it_was(void)
{
    static uint64_t words[1000];
    scope_process_log log = {0};
    scope_process_record large = record(0, words, 1000), found;
    uint64_t kept = 0, read = 0;
    for (; scope_process_log_keep(&log, &large); large.position += 8000)
        kept++;
    CHECK(kept == SCOPE_PROCESS_LOG_BYTES_MAX / (1004 * 8), "%llu", (unsigned long long)kept);
    CHECK(log.size <= SCOPE_PROCESS_LOG_BYTES_MAX && log.capacity <= SCOPE_PROCESS_LOG_BYTES_MAX, "%zu", log.capacity);
    for (size_t at = 0; scope_process_log_next(&log, &at, &found); read++)
        CHECK(found.position == read * 8000, "%llu", (unsigned long long)found.position);
    CHECK(read == kept, "%llu", (unsigned long long)read);
    scope_process_log_clear(&log);
    CHECK(scope_process_log_keep(&log, &large), "still full");
    scope_process_log_clear(&log);
}

int main(void)
{
    what_is_kept_comes_out_in_order_until_it_is_cleared();
    what_finds_no_room_is_refused_and_leaves_the_rest_as_it_was();
    return CHECK_RESULT();
}
