/* Runs redaction on a text in a buffer of just its size, so that a sanitizer sees a byte too far. */
#ifndef SCOPE_REDACTING_H
#define SCOPE_REDACTING_H

#include <stdlib.h>
#include <string.h>

#include "redact.h"

/* The redacted text, terminated; the caller frees it. `size` gets its length. */
static inline char *redacted(const char *text, size_t length, unsigned flags, size_t *size)
{
    char *exact = malloc(length ? length : 1);
    if (!exact)
        abort();
    memcpy(exact, text, length);
    *size = scope_redact_with(exact, length, flags);
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

#endif
