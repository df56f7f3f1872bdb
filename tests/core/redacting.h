/* Runs redaction on texts, each in a buffer of just its size, so that a sanitizer sees a byte too far. */
#ifndef SCOPE_REDACTING_H
#define SCOPE_REDACTING_H

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "redact.h"

/* The redacted text, terminated; the caller frees it. `size` gets its length. */
static inline char *redacted(const char *text, size_t length, size_t *size)
{
    char *exact = malloc(length ? length : 1);
    if (!exact)
        abort();
    memcpy(exact, text, length);
    *size = scope_redact(exact, length);
    if (*size > length)
        abort();
    char *copy = malloc(*size + 1);
    if (!copy)
        abort();
    memcpy(copy, exact, *size);
    copy[*size] = 0;
    free(exact);
    return copy;
}

typedef struct {
    const char *text;
    const char *expected; /* NULL: unchanged */
} example;

static inline void check_all(const example *examples, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        const char *text = examples[index].text;
        const char *expected = examples[index].expected ? examples[index].expected : text;
        size_t size;
        char *result = redacted(text, strlen(text), &size);
        CHECK(strcmp(result, expected) == 0, "\n  of       %s\n  expected %s\n  got      %s", text, expected, result);
        char *again = redacted(result, size, &size);
        CHECK(strcmp(again, result) == 0, "\n  once     %s\n  twice    %s", result, again);
        free(again);
        free(result);
    }
}

#define CHECK_EXAMPLES(examples) check_all(examples, sizeof examples / sizeof *examples)

#endif
