/* Ids: spans of a request never share one, and no two generators give the same. */
#include "ids.h"

#include <stdlib.h>

#include "check.h"

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static size_t repetitions(uint64_t *ids, size_t count)
{
    size_t found = 0;
    qsort(ids, count, sizeof *ids, compare);
    for (size_t index = 1; index < count; index++)
        found += ids[index] == ids[index - 1];
    return found;
}

/* The first outputs of SplitMix64 seeded with 1234567, as its reference implementation gives them. */
static void the_mixing_function_is_splitmix64s(void)
{
    static const uint64_t wanted[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                      UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                      UINT64_C(16408922859458223821)};
    uint64_t state = 1234567;
    for (size_t index = 0; index < sizeof wanted / sizeof *wanted; index++) {
        state += SCOPE_GOLDEN;
        CHECK(scope_mix64(state) == wanted[index], "output %zu: %llu", index, (unsigned long long)scope_mix64(state));
    }
}

static void span_ids_of_a_request_are_distinct_and_never_zero(void)
{
    enum { COUNT = 200000 };
    static uint64_t ids[COUNT];
    const uint64_t roots[] = {1, UINT64_MAX, UINT64_C(0x9E3779B97F4A7C15), 0 - 2 * SCOPE_GOLDEN};
    for (size_t root = 0; root < sizeof roots / sizeof *roots; root++) {
        CHECK(scope_span_id(roots[root], 0) == roots[root] && scope_span_id(roots[root], 1) == roots[root], "the root's");
        for (uint32_t number = 0; number < COUNT; number++) {
            ids[number] = scope_span_id(roots[root], number + 1);
            CHECK(ids[number] != 0, "span %u", number + 1);
        }
        CHECK(repetitions(ids, COUNT) == 0, "root %zu", root);
    }
    CHECK(scope_span_id(0 - 2 * SCOPE_GOLDEN, 2) == 1, "zero is given as 1");
}

static void random_numbers_are_distinct_within_and_between_generators(void)
{
    enum { COUNT = 100000, GENERATORS = 3 };
    static uint64_t numbers[COUNT * GENERATORS];
    for (size_t generator = 0; generator < GENERATORS; generator++) {
        scope_random random;
        CHECK(scope_random_seed(&random) == 0, "no seed");
        for (size_t index = 0; index < COUNT; index++)
            numbers[generator * COUNT + index] = scope_random_next(&random);
    }
    for (size_t index = 0; index < COUNT * GENERATORS; index++)
        CHECK(numbers[index] != 0, "zero");
    CHECK(repetitions(numbers, COUNT * GENERATORS) == 0, "repeated");
}

int main(void)
{
    the_mixing_function_is_splitmix64s();
    span_ids_of_a_request_are_distinct_and_never_zero();
    random_numbers_are_distinct_within_and_between_generators();
    return CHECK_RESULT();
}
