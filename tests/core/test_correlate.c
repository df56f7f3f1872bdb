/* The correlator: what belongs to a request comes out together. */
#include "correlating.h"

/* ---- what a group says ---- */

static void what_lists_show_is_kept_as_records_pass(void)
{
    setting it = new_setting();
    record route = event(SCOPE_REQUEST_ROUTE, 5, 150, 4), start = event(SCOPE_RESPONSE_START, 5, 200, 5),
           last = event(SCOPE_RESPONSE_END, 5, 300, 6), failure = event(SCOPE_EXCEPTION, 5, 250, 8);
    set_site(&route, 9);
    start.words[4] = 503;
    last.words[4] = 1000, last.words[5] = 4;
    feed(&it, 0, begin(5, 100, SCOPE_FLAG_CALLERS_ID));
    feed(&it, 0, route);
    feed(&it, 0, start);
    feed(&it, 0, failure);
    feed(&it, 0, last);
    feed(&it, 0, end(5, 400));
    pass(&it, 1);
    scope_group *group = only(&it);
    CHECK(group->state == SCOPE_GROUP_DONE && group->begun && group->ended && !group->inexact, "state %d", group->state);
    CHECK(group->key == 5 && group->kind == SCOPE_KIND_HTTP && group->trace_id[15] == 5, "key");
    CHECK(group->span_id == 500 && group->remote_parent == 77, "ids");
    CHECK(strcmp(group->method, "GET") == 0 && strcmp(group->path, "/path") == 0 && strcmp(group->id, "the-id") == 0, "texts");
    CHECK(group->route_site == 9 && !group->route && group->status == 503, "route and status");
    CHECK(group->start_ns == 100 && group->first_byte_ns == 200 && group->response_end_ns == 300 && group->end_ns == 400, "times");
    CHECK(group->outcome == SCOPE_OUTCOME_EXCEPTION && group->events == 6 && group->spans == 1 && group->errors == 1, "counts");
    CHECK(group->bytes_in == 10 && group->messages_in == 2 && group->messages_out == 3 && group->bytes_out == 40, "traffic");
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

static void what_its_records_have_cost_is_added_up_by_what_they_are_of(void)
{
    scope_costs costs = {0};
    costs.of[SCOPE_COST_HELD_BACK].event_ps = 2;
    costs.of[SCOPE_COST_MESSAGE].event_ps = 100;
    costs.of[SCOPE_REQUEST_BEGIN].event_ps = 10000;
    costs.of[SCOPE_FUNCTION_ENTER].event_ps = costs.of[SCOPE_FUNCTION_EXIT].event_ps = 30;
    costs.of[SCOPE_MARK] = (scope_cost){5, 7};
    setting it = new_setting();
    record before = event(SCOPE_MARK, 5, 50, 4), enter = event(SCOPE_FUNCTION_ENTER, 5, 110, 4),
           leave = event(SCOPE_FUNCTION_EXIT, 5, 120, 4), mark = event(SCOPE_MARK, 5, 130, 6), ledger = event(SCOPE_LEDGER, 5, 140, 6);
    ledger.words[4] = 1000;
    feed(&it, 0, before);
    scope_correlator_set_costs(it.it, &costs);
    feed(&it, 0, begin(5, 100, 0));
    feed(&it, 0, enter);
    feed(&it, 0, leave);
    feed(&it, 0, mark);
    feed(&it, 0, ledger);
    feed(&it, 0, end(5, 400));
    pass(&it, 1);
    scope_group *group = only(&it);
    scope_cost_sums process = scope_correlator_costs(it.it, it.slot);
    CHECK(group->costs.detail_ps == 60 + 2000 && group->costs.values_ps == 0, "detail %lu", group->costs.detail_ps);
    CHECK(group->costs.all_ps == 10000 + 60 + 2000 + 5 + 2 * 7 + 5 * 100, "all %lu", group->costs.all_ps);
    CHECK(process.all_ps == group->costs.all_ps && process.detail_ps == group->costs.detail_ps, "of the process");
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

static record step_of(uint64_t end_ns, uint64_t waited_ns, uint64_t ran_ns, uint64_t flags)
{
    record made = event(SCOPE_LOOP_STEP, 5, end_ns, 7);
    made.words[4] = waited_ns, made.words[5] = ran_ns, made.words[6] = flags;
    return made;
}

static void waits_and_steps_are_added_up_once_each(void)
{
    setting it = new_setting();
    record response = event(SCOPE_RESPONSE_END, 5, 900, 6);
    feed(&it, 0, begin(5, 100, 0));
    feed(&it, 0, step_of(150, 90, 50, 0)); /* ran from the beginning on */
    feed(&it, 0, step_of(300, 40, 100, 0)); /* waited from 160 to 200 */
    feed(&it, 0, step_of(420, 230, 20, 0)); /* could go on since 170; 300 to 400 is new */
    feed(&it, 0, step_of(700, 545, 0, 0)); /* since 155: 5 more before 160, and 420 to 700 */
    feed(&it, 0, response);
    feed(&it, 0, step_of(5000, 4200, 100, 0)); /* until the response, 700 to 900; the step itself counts */
    feed(&it, 1, step_of(5000, 60, 4000, SCOPE_STEP_IN_THREAD));
    feed(&it, 0, end(5, 6000));
    pass(&it, 2);
    scope_group *group = only(&it);
    CHECK(group->steps.loop_wait_ns == 40 + 100 + 5 + 280 + 200, "waited %llu", (unsigned long long)group->steps.loop_wait_ns);
    CHECK(group->steps.thread_wait_ns == 60, "waited %llu", (unsigned long long)group->steps.thread_wait_ns);
    CHECK(group->steps.longest_ns == 100, "ran %llu", (unsigned long long)group->steps.longest_ns);
    scope_group_free(it.it, group);
    feed(&it, 0, begin(5, 7000, 0));
    feed(&it, 0, end(5, 7001));
    pass(&it, 1);
    group = only(&it);
    CHECK(group->steps.loop_wait_ns == 0 && group->steps.longest_ns == 0, "the next request begins with nothing");
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

static void an_id_of_our_own_is_not_kept_and_a_route_may_be_text(void)
{
    setting it = new_setting();
    record route = event(SCOPE_REQUEST_ROUTE, 5, 150, 6), assumed = event(SCOPE_RESPONSE_START, 5, 200, 5);
    uint8_t *at = (uint8_t *)&route.words[4];
    put_text(&at, "/items/{id}");
    assumed.words[4] = 500 | (uint64_t)SCOPE_STATUS_ASSUMED << 32;
    feed(&it, 0, begin(5, 100, 0));
    feed(&it, 0, route);
    feed(&it, 0, assumed);
    feed(&it, 0, end(5, 400));
    pass(&it, 1);
    scope_group *group = only(&it);
    CHECK(!group->id, "%s", group->id);
    CHECK(group->route && strcmp(group->route, "/items/{id}") == 0 && group->route_site == 0, "route");
    CHECK(group->status == 500 && group->first_byte_ns == 0, "the server answered in its place");
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

/* One that were kept would hide from those who decode the request all that follows it. */
static void records_too_short_for_their_type_are_counted_and_left_out(void)
{
    static const uint8_t types[] = {SCOPE_REQUEST_BEGIN, SCOPE_RESPONSE_START, SCOPE_RESPONSE_END, SCOPE_REQUEST_END,
                                    SCOPE_SPAN_BEGIN,    SCOPE_SPAN_END,       SCOPE_ANNOTATION,   SCOPE_EXCEPTION,
                                    SCOPE_LOOP_STEP,     SCOPE_OUTSIDE_STEP,   SCOPE_GC_PAUSE,     SCOPE_ASYNC_TASK_BEGIN,
                                    SCOPE_ASYNC_TASK_END};
    setting it = new_setting();
    for (size_t index = 0; index < sizeof types; index++)
        feed(&it, 0, event(types[index], 5, 100, scope_event_words(types[index]) - 1));
    CHECK(statistics(&it).malformed == sizeof types, "%llu", (unsigned long long)statistics(&it).malformed);
    CHECK(statistics(&it).open == 0, "kept");
    feed(&it, 0, event(SCOPE_REQUEST_ROUTE, 5, 100, 4));
    CHECK(statistics(&it).malformed == sizeof types + 1, "a route that nothing names");
    scope_correlator_remove(it.it, it.slot);
    it.slot = (uint32_t)scope_correlator_add(it.it, 4);
    record cut = begin(6, 100, SCOPE_FLAG_CALLERS_ID);
    ((uint8_t *)cut.words)[SCOPE_BEGIN_STRINGS + 6] = 0xFF; /* the path is longer than the record */
    feed(&it, 0, cut);
    feed(&it, 0, end(6, 200));
    pass(&it, 1);
    scope_group *group = only(&it);
    CHECK(strcmp(group->method, "GET") == 0 && !group->path && !group->id, "read beyond the record");
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

static void unknown_types_and_events_of_no_request_are_counted_and_left_out(void)
{
    setting it = new_setting();
    feed(&it, 0, event(0x7E, 5, 100, 4));
    feed(&it, 0, event(SCOPE_MARK, 0, 100, 4));
    CHECK(statistics(&it).malformed == 1 && statistics(&it).stray == 1 && statistics(&it).open == 0, "counts");
    scope_correlator_free(it.it);
}

static void what_a_process_did_outside_requests_is_kept_with_whose_thread_it_was(void)
{
    setting it = new_setting();
    scope_process_record found;
    size_t at = 0;
    record introduction = {.count = 4};
    introduction.words[0] = scope_header(SCOPE_LANE, 4, 0, 0);
    introduction.words[2] = 9;
    feed(&it, 1, event(SCOPE_OUTSIDE_STEP, 0, 100, 7));
    feed(&it, 0, introduction);
    feed(&it, 0, event(SCOPE_GC_PAUSE, 0, 200, 8));
    feed(&it, 0, event(SCOPE_GC_PAUSE, 7, 150, 8));
    const scope_process_log *log = scope_correlator_log(it.it, it.slot);
    CHECK(scope_process_log_next(log, &at, &found) && found.lane == 1 && found.words == 7, "the step");
    CHECK(found.introduction_words == 0, "a lane that is not known");
    CHECK(scope_process_log_next(log, &at, &found) && found.lane == 0 && found.words == 8, "the pause");
    CHECK(found.introduction_words == 4 && memcmp(found.introduction, introduction.words, 32) == 0, "its lane");
    CHECK(!scope_process_log_next(log, &at, &found), "a request's");
    CHECK(statistics(&it).of_process == 2 && statistics(&it).stray == 0 && statistics(&it).open == 1, "counts");
    CHECK(scope_correlator_latest(it.it, it.slot) == 200, "the latest");
    scope_correlator_free(it.it);
}

static void what_a_process_did_beyond_the_bound_is_refused(void)
{
    setting it = new_setting();
    for (uint64_t count = 0; count < SCOPE_PROCESS_LOG_BYTES_MAX / (12 * 8) + 5; count++)
        feed(&it, 0, event(SCOPE_GC_PAUSE, 0, 100, 8));
    CHECK(statistics(&it).refused == 5, "%llu", (unsigned long long)statistics(&it).refused);
    scope_correlator_remove(it.it, it.slot);
    CHECK(scope_correlator_log(it.it, it.slot)->size == 0, "held of a segment that is gone");
    scope_correlator_free(it.it);
}

static void sites_are_kept_once_each_up_to_a_bound(void)
{
    setting it = new_setting();
    feed(&it, 0, begin(5, 100, 0));
    for (uint32_t turn = 0; turn < 3; turn++)
        for (uint32_t site = 0; site < 100; site++) {
            record called = event(site % 2 ? SCOPE_FUNCTION_ENTER : SCOPE_SPAN_BEGIN, 5, 100, 5);
            set_site(&called, site);
            feed(&it, 0, called);
        }
    feed(&it, 0, end(5, 400));
    pass(&it, 1);
    scope_group *group = only(&it);
    CHECK(group->site_count == SCOPE_GROUP_SITES && group->sites[0] == 1 && group->sites[63] == 64, "%u sites", group->site_count);
    CHECK(group->spans == 301, "%u spans", group->spans);
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

static void what_is_worth_indexing_is_noted_up_to_a_bound(void)
{
    setting it = new_setting();
    feed(&it, 0, begin(5, 100, 0));
    for (uint64_t number = 0; number < 50; number++)
        feed(&it, 0, event(number % 2 ? SCOPE_ANNOTATION : SCOPE_EXCEPTION, 5, 100 + number, 6));
    feed(&it, 0, event(SCOPE_MARK, 5, 300, 6));
    feed(&it, 0, end(5, 400));
    pass(&it, 1);
    scope_group *group = only(&it);
    CHECK(group->note_count == SCOPE_GROUP_NOTES, "%u notes", group->note_count);
    for (uint32_t note = 0; note < group->note_count; note++) {
        const uint8_t *at = group->bytes + group->notes[note];
        CHECK(scope_load64(at + 8) == 100 + note, "note %u is of %llu", note, (unsigned long long)scope_load64(at + 8));
    }
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

/* ---- the bytes ---- */

static void each_run_of_a_lane_follows_whose_it_is(void)
{
    setting it = new_setting();
    feed(&it, 0, lane_record(1, 4));
    feed(&it, 1, lane_record(2, 5));
    feed(&it, 0, begin(5, 100, 0));
    feed(&it, 0, event(SCOPE_MARK, 5, 100, 4));
    feed(&it, 1, event(SCOPE_MARK, 5, 100, 4));
    feed(&it, 1, lane_record(3, 4)); /* another thread took the lane over */
    feed(&it, 1, event(SCOPE_MARK, 5, 100, 4));
    feed(&it, 2, event(SCOPE_MARK, 5, 100, 4)); /* a lane that nobody introduced */
    feed(&it, 0, event(SCOPE_MARK, 5, 100, 4));
    feed(&it, 0, lane_record(4, 40)); /* longer than any writer's */
    feed(&it, 0, end(5, 400));
    pass(&it, 1);
    scope_group *group = only(&it);
    CHECK(strcmp(spelled(group), "1bm2m3m?m1m?e") == 0, "%s", spelled(group));
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

/* Each block says whose events follow. */
static void an_owner_that_is_introduced_again_goes_on_in_its_run(void)
{
    setting it = new_setting();
    record again = lane_record(1, 4);
    again.words[0] = scope_header(SCOPE_LANE, 4, 4096, 0);
    again.words[1] = 12345;
    feed(&it, 0, lane_record(1, 4));
    feed(&it, 0, begin(5, 100, 0));
    feed(&it, 0, again);
    feed(&it, 0, end(5, 400));
    pass(&it, 1);
    scope_group *group = only(&it);
    CHECK(strcmp(spelled(group), "1be") == 0, "%s", spelled(group));
    scope_group_free(it.it, group);
    scope_correlator_free(it.it);
}

static void requests_in_one_lane_are_taken_apart(void)
{
    setting it = new_setting();
    enum { COUNT = 3000 };
    for (uint64_t key = 1; key <= COUNT; key++)
        feed(&it, 0, begin(key, key, 0));
    for (uint64_t turn = 0; turn < 3; turn++)
        for (uint64_t key = COUNT; key > 0; key--)
            feed(&it, 0, event(SCOPE_MARK, key, key, 4 + key % 7));
    CHECK(statistics(&it).open == COUNT && statistics(&it).bytes > COUNT * 300, "open");
    for (uint64_t key = 1; key <= COUNT; key++)
        feed(&it, 0, end(key, COUNT + key));
    pass(&it, 1);
    uint64_t expected = 0;
    for (scope_group *group; (group = scope_correlator_take(it.it)); scope_group_free(it.it, group)) {
        expected++;
        CHECK(group->key == expected && group->events == 5, "request %llu", (unsigned long long)group->key);
        CHECK(group->size == 8 * (4 + 24 + 3 * (4 + group->key % 7) + 9), "%zu bytes", group->size);
        for (size_t at = 32; at < group->size; at += scope_header_words(scope_load64(group->bytes + at)) * 8)
            CHECK(scope_load32(group->bytes + at + 16) == group->key, "another's record");
    }
    CHECK(expected == COUNT && statistics(&it).open == 0 && statistics(&it).bytes == 0, "%llu", (unsigned long long)expected);
    scope_correlator_free(it.it);
}

static void the_same_key_of_two_segments_is_two_requests(void)
{
    setting one = new_setting(), two = one;
    two.slot = (uint32_t)scope_correlator_add(one.it, 2);
    CHECK(two.slot != one.slot, "one slot for both");
    feed(&one, 0, begin(5, 100, 0));
    feed(&two, 0, begin(5, 200, 0));
    feed(&two, 0, end(5, 300));
    pass(&two, 1);
    scope_group *group = only(&two);
    CHECK(group->slot == two.slot && group->start_ns == 200, "slot %u", group->slot);
    scope_group_free(one.it, group);
    scope_correlator_remove(one.it, one.slot);
    CHECK(statistics(&one).open == 0, "an open request of a segment that is gone");
    CHECK(scope_correlator_add(one.it, 2) == one.slot, "the slot is not used again");
    scope_correlator_free(one.it);
}

static void a_slot_is_used_again_only_when_what_finished_is_taken(void)
{
    setting it = new_setting();
    feed(&it, 0, begin(5, 100, 0));
    feed(&it, 0, end(5, 200));
    pass(&it, 1);
    scope_correlator_remove(it.it, it.slot);
    CHECK(scope_correlator_add(it.it, 1) != it.slot, "its requests would be another's");
    scope_group *group = only(&it);
    CHECK(group->key == 5 && group->slot == it.slot, "slot %u", group->slot);
    scope_group_free(it.it, group);
    CHECK(scope_correlator_add(it.it, 1) == it.slot, "not used again");
    scope_correlator_free(it.it);
}

static void keys_of_44_bits_are_told_apart(void)
{
    setting it = new_setting();
    const uint64_t keys[] = {1, (UINT64_C(1) << 32) | 1, (UINT64_C(1) << 43) | 1, (UINT64_C(1) << 44) - 1};
    for (size_t index = 0; index < 4; index++)
        feed(&it, 0, begin(keys[index], 100, 0));
    CHECK(statistics(&it).open == 4, "%llu open", (unsigned long long)statistics(&it).open);
    size_t index = 0;
    for (scope_group *group = scope_correlator_first_open(it.it); group; group = group->next)
        CHECK(group->key == keys[index++], "key %llx", (unsigned long long)group->key);
    scope_correlator_free(it.it);
}

int main(void)
{
    what_lists_show_is_kept_as_records_pass();
    what_its_records_have_cost_is_added_up_by_what_they_are_of();
    waits_and_steps_are_added_up_once_each();
    an_id_of_our_own_is_not_kept_and_a_route_may_be_text();
    records_too_short_for_their_type_are_counted_and_left_out();
    unknown_types_and_events_of_no_request_are_counted_and_left_out();
    what_a_process_did_outside_requests_is_kept_with_whose_thread_it_was();
    what_a_process_did_beyond_the_bound_is_refused();
    sites_are_kept_once_each_up_to_a_bound();
    what_is_worth_indexing_is_noted_up_to_a_bound();
    each_run_of_a_lane_follows_whose_it_is();
    an_owner_that_is_introduced_again_goes_on_in_its_run();
    requests_in_one_lane_are_taken_apart();
    the_same_key_of_two_segments_is_two_requests();
    a_slot_is_used_again_only_when_what_finished_is_taken();
    keys_of_44_bits_are_told_apart();
    return CHECK_RESULT();
}
