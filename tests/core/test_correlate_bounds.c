/* The correlator: whatever it is fed, it holds no more than it may. */
#include "correlating.h"

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
    who_fills_it_is_stopped_before_those_who_hold_little();
    beginnings_are_not_awaited_where_nothing_more_is_read();
    a_request_that_grows_without_end_is_handed_over_before_it_takes_all_the_room();
    open_requests_without_number_are_cut_the_oldest_first_and_only_theirs();
    requests_that_have_ended_are_not_cut_but_finished();
    losses_without_number_cost_an_open_request_one_gap_until_it_is_looked_at();
    any_sound_frames_are_taken_in();
    return CHECK_RESULT();
}
