/* The correlator: what belongs to a request comes out together, once, and says what it misses. */
#include "correlate.h"
#include "process_log.h"

#include "check.h"
#include "segments.h"

#define MINUTE_NS UINT64_C(60000000000)
#define NEVER_NS (UINT64_C(1) << 62)

typedef struct {
    uint64_t words[64];
    uint64_t count;
} record;

static record event(uint8_t type, uint64_t key, uint64_t time_ns, uint64_t words)
{
    record made = {.count = words};
    made.words[0] = scope_header(type, words, 0, key);
    made.words[1] = time_ns;
    made.words[2] = (uint32_t)key;
    made.words[3] = 1;
    return made;
}

static void set_site(record *of, uint32_t site)
{
    of->words[2] |= (uint64_t)site << 32;
}

static void put_text(uint8_t **at, const char *text)
{
    uint16_t length = (uint16_t)strlen(text);
    memcpy(*at, &length, sizeof length);
    memcpy(*at + 2, text, length);
    *at += 2 + length;
}

static record begin(uint64_t key, uint64_t time_ns, uint8_t flags)
{
    record made = event(SCOPE_REQUEST_BEGIN, key, time_ns, 24);
    uint8_t *bytes = (uint8_t *)made.words, *at = bytes + SCOPE_BEGIN_STRINGS;
    memset(bytes + SCOPE_BEGIN_TRACE_ID, (int)key, 16);
    made.words[SCOPE_BEGIN_SPAN_ID / 8] = key * 100;
    made.words[SCOPE_BEGIN_REMOTE / 8] = 77;
    bytes[SCOPE_BEGIN_KIND] = SCOPE_KIND_HTTP;
    bytes[SCOPE_BEGIN_FLAGS] = flags;
    put_text(&at, "GET");
    put_text(&at, "/path");
    put_text(&at, "the-id");
    return made;
}

static record end(uint64_t key, uint64_t time_ns)
{
    record made = event(SCOPE_REQUEST_END, key, time_ns, 9);
    made.words[4] = SCOPE_OUTCOME_EXCEPTION;
    made.words[5] = 10, made.words[6] = 2, made.words[7] = 3, made.words[8] = 40;
    return made;
}

typedef struct {
    scope_correlator *it;
    uint32_t slot;
    uint64_t position, now_ns;
} setting;

static setting new_setting(void)
{
    setting made = {.it = scope_correlator_new(UINT64_MAX), .now_ns = 1};
    made.slot = (uint32_t)scope_correlator_add(made.it, 4);
    return made;
}

static void feed(setting *to, uint32_t lane, record fed)
{
    scope_correlator_feed(to->it, to->slot, lane, to->position, (const uint8_t *)fed.words, fed.count, to->now_ns);
    to->position += fed.count * 8;
}

static void pass(setting *to, int count)
{
    while (count-- > 0)
        scope_correlator_pass(to->it, to->slot);
}

/* The only finished group; the caller gives it to drop(). */
static scope_group *only(setting *from)
{
    scope_group *group = scope_correlator_take(from->it);
    CHECK(group, "none is finished");
    CHECK(!scope_correlator_take(from->it), "more than one is finished");
    if (!group)
        abort();
    return group;
}

static scope_correlator_statistics statistics(const setting *of)
{
    return scope_correlator_read_statistics(of->it);
}

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

static record lane_record(uint32_t thread, uint64_t words)
{
    record made = {.count = words};
    made.words[0] = scope_header(SCOPE_LANE, words, 0, 0);
    made.words[2] = thread;
    return made;
}

/* The types of the records of a group, as digits; a LANE as the last digit of its thread. */
static const char *spelled(const scope_group *group)
{
    static char text[256];
    size_t length = 0;
    for (size_t at = 0; at < group->size && length < sizeof text - 1;) {
        uint64_t header = scope_load64(group->bytes + at);
        uint8_t type = scope_header_type(header);
        bool known = scope_load32(group->bytes + at + 16) < 0xFFFF0000;
        text[length++] = type == SCOPE_LANE ? (known ? (char)('0' + scope_load32(group->bytes + at + 16) % 10) : '?')
                         : type == SCOPE_GAP ? 'g' : type == SCOPE_REQUEST_BEGIN ? 'b' : type == SCOPE_REQUEST_END ? 'e' : 'm';
        at += scope_header_words(header) * 8;
    }
    text[length] = 0;
    return text;
}

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

/* ---- one segment that takes all the room ---- */

static setting new_bounded(uint64_t max_bytes)
{
    setting made = {.it = scope_correlator_new(max_bytes), .now_ns = 1};
    made.slot = (uint32_t)scope_correlator_add(made.it, 4);
    return made;
}

/* Takes out and frees all that is finished; how many were in `state`. */
static uint64_t take_all(setting *from, enum scope_group_state state)
{
    uint64_t found = 0;
    for (scope_group *group; (group = scope_correlator_take(from->it));) {
        found += group->state == state;
        scope_group_free(from->it, group);
    }
    return found;
}

static void who_fills_it_is_stopped_before_those_who_hold_little(void)
{
    setting greedy = new_bounded(1 << 16), modest = {.it = greedy.it, .now_ns = 1};
    modest.slot = (uint32_t)scope_correlator_add(modest.it, 1);
    uint64_t key = 0;
    feed(&modest, 0, begin(5, 100, 0));
    while (!scope_correlator_full(greedy.it, greedy.slot))
        feed(&greedy, 0, event(SCOPE_MARK, ++key, 100, 4));
    CHECK(key < 1000, "%llu", (unsigned long long)key);
    CHECK(!scope_correlator_full(modest.it, modest.slot), "who holds little has to wait");
    feed(&modest, 0, end(5, 200));
    pass(&modest, 1);
    scope_correlator_sweep(greedy.it, 2);
    take_all(&greedy, SCOPE_GROUP_DONE);
    CHECK(!scope_correlator_full(greedy.it, greedy.slot) && statistics(&greedy).bytes == 0, "%llu bytes are left",
          (unsigned long long)statistics(&greedy).bytes);
    scope_correlator_free(greedy.it);
}

/* Else they would be awaited for good: no pass of a segment that may not be read comes to its end. */
static void beginnings_are_not_awaited_where_nothing_more_is_read(void)
{
    setting it = new_bounded(1 << 14);
    for (uint64_t key = 1; !scope_correlator_full(it.it, it.slot); key++)
        feed(&it, 0, event(SCOPE_MARK, key, 100, 4));
    CHECK(scope_correlator_sweep(it.it, 2) == 0, "some are awaited");
    CHECK(statistics(&it).open == 0, "%llu are open", (unsigned long long)statistics(&it).open);
    take_all(&it, SCOPE_GROUP_DONE);
    feed(&it, 0, event(SCOPE_MARK, 1, 100, 4));
    CHECK(scope_correlator_sweep(it.it, 2) == 1, "none is awaited");
    scope_correlator_free(it.it);
}

/* Its bytes are copied more than once on their way to the store. */
static void a_request_that_grows_without_end_is_handed_over_before_it_takes_all_the_room(void)
{
    setting it = new_bounded(1 << 20);
    feed(&it, 0, begin(5, 100, 0));
    while (!scope_correlator_full(it.it, it.slot))
        feed(&it, 0, event(SCOPE_MARK, 5, 100, 4));
    scope_group *group = scope_correlator_first_open(it.it);
    CHECK(group->capacity <= 1 << 19, "%zu bytes", group->capacity);
    scope_group_flushed(it.it, group);
    CHECK(!scope_correlator_full(it.it, it.slot), "still full");
    scope_correlator_free(it.it);
}

static void open_requests_without_number_are_cut_the_oldest_first_and_only_theirs(void)
{
    const uint64_t most = 1 << 20;
    setting greedy = new_bounded(most), modest = {.it = greedy.it, .now_ns = 1};
    modest.slot = (uint32_t)scope_correlator_add(modest.it, 1);
    uint64_t aborted = 0, made = 10000;
    feed(&modest, 0, begin(1, 100, 0));
    for (uint64_t key = 1; key <= made; key++) {
        feed(&greedy, 0, begin(key, 100, 0));
        for (scope_group *group = scope_correlator_first_open(greedy.it); key % 100 == 0 && group; group = group->next)
            if (group->dirty)
                scope_group_flushed(greedy.it, group);
        aborted += take_all(&greedy, SCOPE_GROUP_ABORTED);
    }
    CHECK(statistics(&greedy).standing <= most, "%llu bytes", (unsigned long long)statistics(&greedy).standing);
    CHECK(aborted && statistics(&greedy).cut == aborted, "%llu cut", (unsigned long long)statistics(&greedy).cut);
    CHECK(statistics(&greedy).open == made - aborted + 1, "%llu open", (unsigned long long)statistics(&greedy).open);
    CHECK(scope_correlator_first_open(greedy.it)->slot == modest.slot, "that of the other is gone");
    scope_correlator_abort(modest.it, modest.slot);
    CHECK(take_all(&modest, SCOPE_GROUP_ABORTED) == 1, "the other's");
    scope_correlator_remove(greedy.it, greedy.slot);
    CHECK(statistics(&greedy).standing == 0 && statistics(&greedy).bytes == 0, "something is still accounted for");
    scope_correlator_free(greedy.it);
}

static void requests_that_have_ended_are_not_cut_but_finished(void)
{
    setting it = new_bounded(1 << 20);
    for (uint64_t key = 1; key <= 5000; key++) {
        feed(&it, 0, begin(key, 100, 0));
        feed(&it, 0, end(key, 200));
    }
    CHECK(take_all(&it, SCOPE_GROUP_DONE) > 0 && statistics(&it).cut == 0, "%llu cut", (unsigned long long)statistics(&it).cut);
    scope_correlator_free(it.it);
}

static void losses_without_number_cost_an_open_request_one_gap_until_it_is_looked_at(void)
{
    setting it = new_setting();
    feed(&it, 0, begin(5, 100, 0));
    uint64_t before = scope_correlator_first_open(it.it)->size;
    for (uint64_t turn = 0; turn < 100000; turn++)
        scope_correlator_lose(it.it, it.slot, 1, turn, 2, SCOPE_LOST_LAPPED);
    scope_correlator_lose(it.it, it.slot, 1, 7, 1, SCOPE_LOST_FULL);
    scope_group *group = scope_correlator_first_open(it.it);
    CHECK(group->lost == 200001 && group->inexact && group->dirty, "%llu lost", (unsigned long long)group->lost);
    CHECK(group->size == before + 2 * 32, "%zu bytes", group->size - before);
    scope_correlator_free(it.it);
}

/* ---- any records at all ---- */

static void any_sound_frames_are_taken_in(void)
{
    static const uint8_t types[] = {1, 2, 3, 4, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x20, 0x21, 0x22, 0x23, 0x24, 0x30, 0x31, 0x99};
    setting it = new_setting();
    uint64_t state = 17, fed = 0;
    for (int round = 0; round < 200000; round++) {
        record made = event(types[random_number(&state) % sizeof types], random_number(&state) % 500, random_number(&state),
                            4 + random_number(&state) % 12);
        for (uint64_t word = 4; word < made.count; word++)
            made.words[word] = random_number(&state) << 33 ^ random_number(&state) % 9;
        uint64_t *exact = malloc(made.count * 8);
        memcpy(exact, made.words, made.count * 8);
        scope_correlator_feed(it.it, it.slot, random_number(&state) % 4, it.position, (const uint8_t *)exact, made.count, round);
        free(exact);
        fed += scope_header_type(made.words[0]) >= SCOPE_EVENTS;
        if (random_number(&state) % 64 == 0)
            pass(&it, 1);
        if (random_number(&state) % 512 == 0)
            scope_correlator_lose(it.it, it.slot, SCOPE_NO_LANE, 1, 1, SCOPE_LOST_LAPPED);
        for (scope_group *group; random_number(&state) % 4 && (group = scope_correlator_take(it.it));)
            scope_group_free(it.it, group);
    }
    CHECK(statistics(&it).events == fed, "%llu of %llu", (unsigned long long)statistics(&it).events, (unsigned long long)fed);
    scope_correlator_free(it.it);
    scope_correlator_free(NULL);
}

/* As a damaged segment may tell them. */
static void many_losses_among_many_open_requests_take_little_room(void)
{
    enum { MANY = 3000 };
    setting it = new_setting();
    for (uint64_t key = 1; key <= MANY; key++)
        feed(&it, 0, begin(key, 100, 0));
    uint64_t before = statistics(&it).bytes;
    for (uint64_t turn = 1; turn <= MANY; turn++) {
        scope_correlator_lose(it.it, it.slot, 1, 200, 2, SCOPE_LOST_FULL);
        feed(&it, 0, event(SCOPE_MARK, turn, 300, 4));
    }
    CHECK(statistics(&it).bytes <= 4 * before, "%llu after %llu", (unsigned long long)statistics(&it).bytes,
          (unsigned long long)before);
    scope_correlator_lose(it.it, it.slot, 1, 400, 1, SCOPE_LOST_LAPPED);
    scope_correlator_abort(it.it, it.slot);
    for (uint64_t key = 1; key <= MANY; key++) {
        scope_group *group = scope_correlator_take(it.it);
        CHECK(group && group->inexact && group->lost == 2 * MANY + 1, "request %llu", (unsigned long long)key);
        scope_group_free(it.it, group);
    }
    scope_correlator_free(it.it);
}

int main(void)
{
    many_losses_among_many_open_requests_take_little_room();
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
    who_fills_it_is_stopped_before_those_who_hold_little();
    beginnings_are_not_awaited_where_nothing_more_is_read();
    a_request_that_grows_without_end_is_handed_over_before_it_takes_all_the_room();
    open_requests_without_number_are_cut_the_oldest_first_and_only_theirs();
    requests_that_have_ended_are_not_cut_but_finished();
    losses_without_number_cost_an_open_request_one_gap_until_it_is_looked_at();
    any_sound_frames_are_taken_in();
    return CHECK_RESULT();
}
