/* What the tests of the core are written with: a check that tells where it failed, and goes on. */
#ifndef SCOPE_CHECK_H
#define SCOPE_CHECK_H

#include <stdio.h>
#include <string.h>

__attribute__((weak)) int check_failures; /* one count, however many files a test is made of */

/* Fails the test unless `condition` holds; the rest are arguments of printf that tell what was met. */
#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            check_failures++;                                                                                          \
            fprintf(stderr, "%s:%d: %s: not %s: ", __FILE__, __LINE__, __func__, #condition);                          \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
        }                                                                                                              \
    } while (0)

/* What main returns. */
#define CHECK_RESULT() (check_failures ? (fprintf(stderr, "%d checks failed\n", check_failures), 1) : 0)

#endif
