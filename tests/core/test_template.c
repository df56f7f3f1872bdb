/* Which routes a pattern names, and which paths it fits; against a model that tries everything. */
#include "template.h"

#include <stdint.h>
#include <string.h>

#include "check.h"

static void a_pattern_names_routes(void)
{
    static const struct {
        const char *pattern, *route;
        bool names;
    } cases[] = {
        {"/items/{id}", "/items/{id}", true}, {"/items/{id}", "/items/{name}", false}, {"/items/{id}", "/items/1", false},
        {"/items*", "/items", true},          {"/items*", "/items/{id}/tags", true},   {"*/tags", "/items/{id}/tags", true},
        {"/*/tags", "/items/{id}/tags", true}, {"/*/tags", "/items/{id}/tag", false},  {"", "", true},
        {"", "/", false},                     {"*", "", true},                         {"/{", "/{", true},
    };
    for (size_t each = 0; each < sizeof cases / sizeof *cases; each++)
        CHECK(scope_template_names(cases[each].pattern, cases[each].route) == cases[each].names, "%s and %s",
              cases[each].pattern, cases[each].route);
}

static void a_pattern_fits_paths(void)
{
    static const struct {
        const char *pattern, *path;
        bool fits;
    } cases[] = {
        {"/items/{id}", "/items/1", true},          {"/items/{id}", "/items/", false},
        {"/items/{id}", "/items/1/tags", false},    {"/items/{id}/tags", "/items/1/tags", true},
        {"/{a}-{b}/x", "/1-2-3/x", true},           {"/{a}x/b", "/1xx/b", true},
        {"/{a}x/b", "/1xx/c", false},               {"/files/*", "/files/a/b", true},
        {"*/{id}", "/a/b/c", true},                 {"*/{id}/end", "/a/end/end", true},
        {"/{open", "/{open", true},                 {"/{open", "/x", false},
    };
    for (size_t each = 0; each < sizeof cases / sizeof *cases; each++)
        CHECK(scope_template_fits(cases[each].pattern, cases[each].path, strlen(cases[each].path)) == cases[each].fits,
              "%s and %s", cases[each].pattern, cases[each].path);
}

static void a_path_that_is_too_long_fits_nothing(void)
{
    char path[SCOPE_TEMPLATE_PATH + 2];
    memset(path, 'a', sizeof path);
    path[SCOPE_TEMPLATE_PATH] = '\0';
    CHECK(scope_template_fits("*", path, SCOPE_TEMPLATE_PATH), "the longest path");
    path[SCOPE_TEMPLATE_PATH] = 'a';
    path[SCOPE_TEMPLATE_PATH + 1] = '\0';
    CHECK(!scope_template_fits("*", path, SCOPE_TEMPLATE_PATH + 1), "a longer one");
}

/* The meaning of a pattern, word by word. */
static bool model(const char *pattern, const char *path)
{
    if (*pattern == '*')
        return model(pattern + 1, path) || (*path && model(pattern, path + 1));
    if (strncmp(pattern, "{}", 2) == 0) {
        for (const char *end = path; *end && *end != '/'; end++)
            if (model(pattern + 2, end + 1))
                return true;
        return false;
    }
    return *pattern == *path && (!*pattern || model(pattern + 1, path + 1));
}

static uint64_t state = 7;

static const char *pick(const char *const *from, uint64_t count)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return from[(state >> 33) % count];
}

static void any_pattern_means_what_the_model_says(void)
{
    static const char *const parts[] = {"a", "b", "/", "*", "{}", ""}, *const letters[] = {"a", "b", "/", ""};
    int fitting = 0;
    for (int round = 0; round < 200000; round++) {
        char pattern[32] = "", path[32] = "";
        for (int each = 0; each < 7; each++) {
            strcat(pattern, pick(parts, 6));
            strcat(path, pick(letters, 4));
        }
        bool expected = model(pattern, path);
        fitting += expected;
        CHECK(scope_template_fits(pattern, path, strlen(path)) == expected, "%s and %s", pattern, path);
    }
    CHECK(fitting > 1000, "%d fit", fitting);
}

int main(void)
{
    a_pattern_names_routes();
    a_pattern_fits_paths();
    a_path_that_is_too_long_fits_nothing();
    any_pattern_means_what_the_model_says();
    return CHECK_RESULT();
}
