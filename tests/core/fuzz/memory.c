/* Counts what is allocated while a target runs; the linker puts these in place of the allocator's (--wrap). */
#include "fuzz.h"

#include <malloc.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);

static _Thread_local bool counting;
static _Thread_local int64_t held, allowed;

static void count(int64_t bytes)
{
    if (!counting)
        return;
    held += bytes;
    if (held <= allowed)
        return;
    counting = false;
    HOLDS(held <= allowed, "%lld bytes are held at a time, at most %lld should be", (long long)held, (long long)allowed);
}

void memory_begin(size_t bytes)
{
    held = 0;
    allowed = (int64_t)bytes;
    counting = true;
}

void memory_end(void)
{
    counting = false;
}

void *__wrap_malloc(size_t size)
{
    count((int64_t)size);
    void *block = __real_malloc(size);
    count((int64_t)malloc_usable_size(block) - (int64_t)size);
    return block;
}

void *__wrap_calloc(size_t number, size_t size)
{
    count((int64_t)(number * size));
    void *block = __real_calloc(number, size);
    count((int64_t)malloc_usable_size(block) - (int64_t)(number * size));
    return block;
}

void *__wrap_realloc(void *block, size_t size)
{
    count((int64_t)size - (int64_t)malloc_usable_size(block));
    void *grown = __real_realloc(block, size);
    count((int64_t)malloc_usable_size(grown) - (int64_t)size);
    return grown;
}

void __wrap_free(void *block)
{
    count(-(int64_t)malloc_usable_size(block));
    __real_free(block);
}

char *__wrap_strndup(const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    char *copy = __wrap_malloc(length + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}
