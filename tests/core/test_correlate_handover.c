/* The correlator: a request is handed over once, and says what it misses. */
#include "correlating.h"

/* ---- when it is handed over ---- */

static void a_request_is_handed_over_when_the_other_lanes_were_read_after_its_end(void)
{
    for (uint32_t lane = 0; lane < 2; lane++) {
        setting it = new_setting();
        feed(&it, lane, begin(5, 100, 0));
        pass(&it, 3);
        feed(&it, lane, end(5, 200));
        for (uint32_t wait = 0; wait < lane; wait++) {
            pass(&it, 1);
            CHECK(!scope_correlator_take(it.it), "a lane below %u was not read since", lane);
        }
        feed(&it, 0, event(SCOPE_MARK, 5, 150, 4));
        pass(&it, 1);
        scope_group *group = only(&it);
        CHECK(group->events == 3 && group->state == SCOPE_GROUP_DONE, "%u events", group->events);
        scope_group_free(it.it, group);
        scope_correlator_free(it.it);
    }
}

static void records_that_come_later_are_a_group_without_a_beginning(void)
{
    setting it = new_setting();
    feed(&it, 0, begin(5, 100, 0));
    feed(&it, 0, end(5, 200));
    pass(&it, 1);
    scope_group_free(it.it, only(&it));
    feed(&it, 1, event(SCOPE_MARK, 5, 250, 4));
    CHECK(scope_correlator_sweep(it.it, it.now_ns) == 1, "its beginning may still be read");
    CHECK(!scope_correlator_take(it.it), "not awaited");
    pass(&it, 2);
    CHECK(scope_correlator_sweep(it.it, it.now_ns) == 0, "awaited for ever");
    scope_group *group = only(&it);
    CHECK(!group->begun && group->state == SCOPE_GROUP_DONE && group->start_ns == 250 && group->end_ns == 250, "late");
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

static void a_beginning_read_after_what_it_caused_still_begins_it(void)
{
    setting it = new_setting();
    feed(&it, 1, event(SCOPE_MARK, 5, 150, 4));
    pass(&it, 1);
    scope_correlator_sweep(it.it, it.now_ns);
    feed(&it, 0, begin(5, 100, 0));
    feed(&it, 0, end(5, 200));
    pass(&it, 1);
    scope_group *group = only(&it);
    CHECK(group->begun && group->events == 3 && group->start_ns == 100, "start %llu", (unsigned long long)group->start_ns);
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

static void a_dead_owner_ends_what_is_open(void)
{
    setting it = new_setting(), other = it;
    other.slot = (uint32_t)scope_correlator_add(it.it, 1);
    feed(&it, 0, begin(1, 100, 0));
    feed(&it, 0, event(SCOPE_MARK, 1, 300, 4));
    feed(&it, 1, begin(2, 100, 0));
    feed(&it, 1, end(2, 200));
    feed(&it, 0, event(SCOPE_MARK, 3, 300, 4));
    feed(&other, 0, begin(4, 100, 0));
    scope_correlator_abort(it.it, it.slot);
    static const uint8_t states[] = {SCOPE_GROUP_ABORTED, SCOPE_GROUP_DONE, SCOPE_GROUP_DONE};
    for (uint64_t key = 1; key <= 3; key++) {
        scope_group *group = scope_correlator_take(it.it);
        CHECK(group && group->key == key && group->state == states[key - 1], "request %llu", (unsigned long long)key);
        scope_group_free(it.it, group);
    }
    CHECK(!scope_correlator_take(it.it) && statistics(&it).open == 1, "another process's request ended");
    scope_correlator_free(it.it);
}

static void a_long_request_is_handed_over_in_pieces(void)
{
    setting it = new_setting();
    feed(&it, 2, lane_record(7, 4));
    feed(&it, 2, begin(5, 100, 0));
    scope_group *group = scope_correlator_first_open(it.it);
    CHECK(group->dirty && group->pieces == 0 && group->position >> 48 == 2, "the first piece");
    for (uint32_t piece = 1; piece <= 3; piece++) {
        scope_group_flushed(it.it, group);
        CHECK(!group->dirty && group->size == 0 && group->pieces == piece && statistics(&it).bytes == 0, "piece %u", piece);
        uint64_t position = it.position;
        feed(&it, 2, event(SCOPE_ANNOTATION, 5, 100 + piece, 5));
        feed(&it, 2, event(SCOPE_MARK, 5, 100 + piece, 4));
        CHECK(group->dirty && strcmp(spelled(group), "7mm") == 0, "%s", spelled(group));
        CHECK(group->position == (UINT64_C(2) << 48 | position) && group->note_count == 1, "position");
    }
    CHECK(group->events == 7 && group->begun, "%u events", group->events);
    scope_correlator_free(it.it);
}

/* A piece is told from the others by where its first event was. */
static void a_piece_that_begins_with_a_loss_is_placed_like_any_other(void)
{
    setting it = new_setting();
    feed(&it, 2, begin(5, 100, 0));
    scope_group *group = scope_correlator_first_open(it.it);
    uint64_t first = group->position;
    scope_group_flushed(it.it, group);
    scope_correlator_lose(it.it, it.slot, SCOPE_NO_LANE, 150, 9, SCOPE_LOST_LAPPED);
    uint64_t bare = scope_correlator_first_open(it.it)->position;
    CHECK(bare != first && bare >> 48 == 0xFFFF, "a loss alone is at %llx", (unsigned long long)bare);
    scope_group_flushed(it.it, group);
    scope_correlator_lose(it.it, it.slot, SCOPE_NO_LANE, 160, 1, SCOPE_LOST_LAPPED);
    CHECK(scope_correlator_first_open(it.it)->position != bare, "twice at %llx", (unsigned long long)bare);
    uint64_t position = it.position;
    feed(&it, 2, event(SCOPE_MARK, 5, 200, 4));
    feed(&it, 2, event(SCOPE_MARK, 5, 201, 4));
    CHECK(group->position == (UINT64_C(2) << 48 | position), "position %llx", (unsigned long long)group->position);
    CHECK(strcmp(spelled(group), "g?mm") == 0, "%s", spelled(group));
    scope_correlator_free(it.it);
}

static void a_request_that_lost_its_end_ends_after_a_minute_of_quiet(void)
{
    setting it = new_setting();
    feed(&it, 0, begin(5, 100, 0));
    feed(&it, 0, begin(6, 100, 0));
    it.now_ns = 10 * MINUTE_NS;
    feed(&it, 0, event(SCOPE_MARK, 6, 100, 4));
    pass(&it, 3);
    scope_correlator_sweep(it.it, 10 * MINUTE_NS);
    CHECK(!scope_correlator_take(it.it), "nothing was lost: it may be just slow");
    scope_correlator_lose(it.it, it.slot, SCOPE_NO_LANE, 1, 1, SCOPE_LOST_LAPPED);
    scope_correlator_sweep(it.it, 10 * MINUTE_NS + 1);
    scope_group *group = only(&it);
    CHECK(group->key == 5 && group->state == SCOPE_GROUP_DONE && !group->ended, "request %llu", (unsigned long long)group->key);
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

/* ---- losses ---- */

static void a_loss_marks_every_request_that_it_may_touch_and_no_other(void)
{
    setting it = new_setting(), other = it;
    other.slot = (uint32_t)scope_correlator_add(it.it, 1);
    feed(&it, 0, begin(1, 100, 0));
    feed(&it, 0, end(1, 200));
    pass(&it, 1);
    feed(&it, 0, begin(2, 100, 0));
    feed(&it, 0, end(2, 200)); /* ended, but the loss may be of another lane and before that */
    feed(&it, 0, begin(3, 100, 0));
    feed(&other, 0, begin(4, 100, 0));
    scope_correlator_lose(it.it, it.slot, SCOPE_NO_LANE, 150, 9, SCOPE_LOST_FULL);
    scope_correlator_lose(it.it, it.slot, SCOPE_NO_LANE, 160, 1, SCOPE_LOST_NO_LANE);
    feed(&it, 0, begin(5, NEVER_NS, 0)); /* after the loss was found */
    scope_correlator_abort(it.it, it.slot);
    scope_correlator_abort(it.it, other.slot);
    static const uint64_t lost[] = {0, 10, 10, 0, 0};
    static const uint64_t keys[] = {1, 2, 3, 5, 4};
    for (size_t index = 0; index < 5; index++) {
        scope_group *group = scope_correlator_take(it.it);
        CHECK(group && group->key == keys[index], "request %zu", index);
        CHECK(group->lost == lost[index] && group->inexact == (lost[index] > 0), "request %llu: %llu lost",
              (unsigned long long)group->key, (unsigned long long)group->lost);
        if (keys[index] == 3) {
            CHECK(strcmp(spelled(group), "?bgg") == 0, "%s", spelled(group));
            const uint8_t *gap = group->bytes + 8 * (4 + 24);
            CHECK(scope_load64(gap + 8) == 150 && scope_load64(gap + 16) == 9 && scope_load64(gap + 24) == SCOPE_LOST_FULL, "GAP");
        }
        scope_group_free(it.it, group);
    }
    scope_correlator_free(it.it);
}

/* The lane that lost something may be read before the one with the beginning. */
static void a_loss_marks_requests_whose_beginning_is_read_within_the_next_pass(void)
{
    setting it = new_setting();
    scope_correlator_lose(it.it, it.slot, SCOPE_NO_LANE, 150, 9, SCOPE_LOST_LAPPED);
    feed(&it, 1, begin(1, 100, 0));
    feed(&it, 1, begin(2, NEVER_NS, 0)); /* after the loss was found */
    pass(&it, 1);
    scope_correlator_lose(it.it, it.slot, SCOPE_NO_LANE, 150, 1, SCOPE_LOST_FULL);
    feed(&it, 0, begin(3, 100, 0));
    pass(&it, 2);
    feed(&it, 0, begin(4, 100, 0));
    scope_correlator_abort(it.it, it.slot);
    static const uint64_t lost[] = {10, 1, 10, 0};
    for (uint64_t key = 1; key <= 4; key++) {
        scope_group *group = scope_correlator_take(it.it);
        CHECK(group && group->key == key && group->lost == lost[key - 1], "request %llu: %llu lost", (unsigned long long)key,
              (unsigned long long)group->lost);
        CHECK(group->inexact == (group->lost > 0), "request %llu", (unsigned long long)key);
        scope_group_free(it.it, group);
    }
    scope_correlator_free(it.it);
}

/* Within a lane the next record tells when the loss was over. */
static void what_begins_behind_a_loss_misses_nothing(void)
{
    setting it = new_setting();
    scope_correlator_lose(it.it, it.slot, 1, 50, 9, SCOPE_LOST_LAPPED);
    feed(&it, 1, begin(1, 150, 0));
    feed(&it, 2, begin(2, 149, 0));
    scope_correlator_abort(it.it, it.slot);
    for (uint64_t key = 1; key <= 2; key++) {
        scope_group *group = scope_correlator_take(it.it);
        CHECK(group->key == key && group->lost == (key == 1 ? 0 : 9), "request %llu", (unsigned long long)key);
        scope_group_free(it.it, group);
    }
    scope_correlator_free(it.it);
}

/* ---- restart ---- */

static void what_an_earlier_collector_stored_is_taken_back(void)
{
    setting before = new_setting();
    record start = event(SCOPE_RESPONSE_START, 5, 200, 5), called = event(SCOPE_FUNCTION_ENTER, 5, 200, 4);
    start.words[4] = 201;
    set_site(&called, 3);
    feed(&before, 0, begin(5, 100, SCOPE_FLAG_CALLERS_ID));
    feed(&before, 0, start);
    feed(&before, 0, called);
    feed(&before, 0, event(SCOPE_ANNOTATION, 5, 210, 6));
    scope_correlator_lose(before.it, before.slot, SCOPE_NO_LANE, 1, 4, SCOPE_LOST_LAPPED);
    scope_group *stored = scope_correlator_first_open(before.it);

    setting it = new_setting();
    CHECK(scope_correlator_restore(it.it, it.slot, 5, stored->bytes, stored->size), "refused");
    scope_group *group = scope_correlator_first_open(it.it);
    CHECK(group->key == 5 && !group->dirty && group->size == 0 && group->pieces == 1, "it stays with the store");
    feed(&it, 0, end(5, 400));
    pass(&it, 1);
    group = only(&it);
    CHECK(group->begun && group->ended && strcmp(group->id, "the-id") == 0 && group->status == 201, "facts");
    CHECK(group->events == 5 && group->spans == 2 && group->sites[0] == 3 && group->lost == 4 && group->inexact, "counts");
    CHECK(strcmp(spelled(group), "?e") == 0 && group->note_count == 0, "%s", spelled(group));
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
    scope_correlator_free(before.it);
}

static void pieces_that_are_damaged_are_refused(void)
{
    setting it = new_setting();
    record whole = begin(5, 100, 0);
    uint8_t *exact = malloc(whole.count * 8);
    memcpy(exact, whole.words, whole.count * 8);
    CHECK(scope_correlator_restore(it.it, it.slot, 5, exact, 0), "an empty piece");
    CHECK(scope_correlator_restore(it.it, it.slot, 5, exact, whole.count * 8), "a whole one");
    CHECK(!scope_correlator_restore(it.it, it.slot, 5, exact, whole.count * 8 - 8), "a cut one");
    for (uint64_t words = 0; words < 4; words++) {
        uint64_t header = scope_header(SCOPE_MARK, words, 0, 5);
        memcpy(exact, &header, sizeof header);
        CHECK(!scope_correlator_restore(it.it, it.slot, 5, exact, whole.count * 8), "%llu words", (unsigned long long)words);
    }
    free(exact);
    uint64_t state = 13;
    for (int round = 0; round < 3000; round++) {
        size_t size = random_number(&state) % 40 * 8;
        uint8_t *bytes = malloc(size ? size : 1);
        for (size_t at = 0; at < size; at += 8) {
            uint64_t word = scope_header((uint8_t)random_number(&state), random_number(&state) % 8, 0, random_number(&state));
            memcpy(bytes + at, &word, sizeof word);
        }
        scope_correlator_restore(it.it, it.slot, round % 10 + 1, bytes, size);
        free(bytes);
    }
    scope_correlator_abort(it.it, it.slot);
    for (scope_group *group; (group = scope_correlator_take(it.it));)
        scope_group_free(it.it, group);
    CHECK(statistics(&it).bytes == 0, "%llu bytes", (unsigned long long)statistics(&it).bytes);
    scope_correlator_free(it.it);
}

int main(void)
{
    a_request_is_handed_over_when_the_other_lanes_were_read_after_its_end();
    records_that_come_later_are_a_group_without_a_beginning();
    a_beginning_read_after_what_it_caused_still_begins_it();
    a_dead_owner_ends_what_is_open();
    a_long_request_is_handed_over_in_pieces();
    a_piece_that_begins_with_a_loss_is_placed_like_any_other();
    a_request_that_lost_its_end_ends_after_a_minute_of_quiet();
    a_loss_marks_every_request_that_it_may_touch_and_no_other();
    a_loss_marks_requests_whose_beginning_is_read_within_the_next_pass();
    what_begins_behind_a_loss_misses_nothing();
    what_an_earlier_collector_stored_is_taken_back();
    pieces_that_are_damaged_are_refused();
    return CHECK_RESULT();
}
