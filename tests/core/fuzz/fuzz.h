/* What the fuzz targets are written with. A target is one function that takes any bytes; it ends the process where a promise
 * is broken, and the sanitizers do where the language is. driver.c or libFuzzer feeds it.
 */
#ifndef SCOPE_FUZZ_H
#define SCOPE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process unless `condition` holds; the rest are arguments of printf that tell what was met. */
#define HOLDS(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not %s: ", __FILE__, __LINE__, #condition);                                        \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* From here until memory_end this thread may hold at most `bytes` more than it does now, in one piece or in many: what a
 * length in the input says must not decide how much is allocated. */
void memory_begin(size_t bytes);
void memory_end(void);

/* The input, read from its beginning; zeroes when it has come to its end. */
typedef struct {
    const uint8_t *at;
    size_t left;
} source;

static inline void take(source *from, void *to, size_t size)
{
    size_t there = size < from->left ? size : from->left;
    memset(to, 0, size);
    if (there)
        memcpy(to, from->at, there);
    from->at += there;
    from->left -= there;
}

static inline uint8_t take8(source *from)
{
    uint8_t value;
    take(from, &value, sizeof value);
    return value;
}

static inline uint16_t take16(source *from)
{
    uint16_t value;
    take(from, &value, sizeof value);
    return value;
}

static inline uint32_t take32(source *from)
{
    uint32_t value;
    take(from, &value, sizeof value);
    return value;
}

/* A copy that is exactly as long, so that a byte read beyond it is seen. The caller frees it. */
static inline char *exact_copy(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    return copy;
}

/* What takes time by the square of the length takes seconds for a text of this length, and the run fails. */
enum { STRETCH = 1 << 16, STRETCHED = 0xF0 };

/* What is left of the input, over and over; good until the next call. Inputs ask for it by a first byte of STRETCHED or more,
 * for it costs a hundred times what a plain run does. */
static inline char *stretch(const source *from)
{
    static char text[STRETCH];
    for (size_t at = 0; at < STRETCH; at++)
        text[at] = (char)from->at[at % from->left];
    return text;
}

#endif
