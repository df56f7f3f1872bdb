/* Feeds a fuzz target where there is no libFuzzer: replays a corpus, then mutates it, the same way in every run.
 *
 *     fuzz_x [-runs=N] [-max_total_time=S] [-seed=N] FOUND CORPUS...
 *
 * As libFuzzer does it, so that one command serves both: FOUND and CORPUS are directories; an input that takes a branch which
 * none has taken before is mutated further and written to FOUND. (The core is compiled with -fsanitize-coverage=trace-pc.)
 * An input that ends the process, or takes longer than STUCK_S, is left as crash-<hash> in the working directory.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 16, INPUTS_MAX = 1 << 14, STUCK_S = 10, EDGES = 1 << 16 };

typedef struct {
    uint8_t *bytes;
    size_t size;
} input;

static input inputs[INPUTS_MAX];
static size_t input_count;
static uint8_t current[INPUT_MAX];
static size_t current_size;
static const char *found;

/* ---- coverage ---- */

static uint8_t seen[EDGES], taken[EDGES];
static uint32_t touched[EDGES]; /* places in `taken` that this run set */
static size_t touched_count, edges;
static uintptr_t before;

/* Called at every branch of the target, by code that the compiler adds. An edge is where it came from and where it is. */
void __sanitizer_cov_trace_pc(void)
{
    uintptr_t here = (uintptr_t)__builtin_return_address(0);
    uint32_t edge = (uint32_t)((here ^ before >> 1) * 0x9E3779B1u >> 16) & (EDGES - 1);
    before = here;
    if (!taken[edge]) {
        taken[edge] = 1;
        touched[touched_count++] = edge;
    }
}

/* Whether the last run took an edge for the first time. */
static bool look_at_edges(void)
{
    size_t fresh = 0;
    for (size_t index = 0; index < touched_count; index++) {
        fresh += !seen[touched[index]];
        seen[touched[index]] = 1;
        taken[touched[index]] = 0;
    }
    edges += fresh;
    touched_count = 0;
    before = 0;
    return fresh > 0;
}

/* ---- inputs ---- */

static uint64_t hash(const uint8_t *bytes, size_t size)
{
    uint64_t value = 14695981039346656037u;
    for (size_t at = 0; at < size; at++)
        value = (value ^ bytes[at]) * 1099511628211u;
    return value;
}

/* Called by a signal handler, too, of a process that is at its end. */
static void write_current(const char *directory, const char *kind)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s%016llx", directory, kind, (unsigned long long)hash(current, current_size));
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0 || write(file, current, current_size) != (ssize_t)current_size)
        fprintf(stderr, "cannot write %s\n", path);
    else if (*kind)
        fprintf(stderr, "the input is %s\n", path);
    close(file);
}

static void on_end(int number)
{
    if (number == SIGALRM)
        fprintf(stderr, "an input of %zu bytes takes longer than %d s\n", current_size, STUCK_S);
    write_current(".", "crash-");
    signal(number, SIG_DFL);
    raise(number == SIGALRM ? SIGABRT : number);
}

/* The sanitizers, too, end the process by a signal. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

static void add_input(const uint8_t *bytes, size_t size)
{
    if (input_count == INPUTS_MAX)
        return;
    inputs[input_count++] = (input){(uint8_t *)exact_copy(bytes, size), size};
}

static void add_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    HOLDS(file, "%s cannot be read", path);
    size_t size = fread(current, 1, sizeof current, file);
    fclose(file);
    add_input(current, size);
}

static int by_name(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}

static void add_directory(const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, by_name);
    HOLDS(count >= 0, "%s is no directory", path);
    for (int index = 0; index < count; index++) {
        char inner[PATH_MAX];
        snprintf(inner, sizeof inner, "%s/%s", path, names[index]->d_name);
        if (names[index]->d_name[0] != '.')
            add_file(inner);
        free(names[index]);
    }
    free(names);
}

/* ---- mutation ---- */

static uint64_t state = 88172645463325252u;

static size_t below(size_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return limit ? (size_t)(state >> 16) % limit : 0;
}

static const uint64_t EXTREME[] = {0, 1, 2, 3, 4, 7, 8, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000,
                                   0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, UINT64_MAX};

/* Puts `size` bytes in place of `gone` ones at `at`, as far as there is room. */
static void exchange(size_t at, size_t gone, const uint8_t *bytes, size_t size)
{
    uint8_t copied[INPUT_MAX];
    size_t after = current_size - at - gone;
    if (at + size + after > INPUT_MAX)
        return;
    if (size)
        memcpy(copied, bytes, size); /* may be a part of `current` */
    memmove(current + at + size, current + at + gone, after);
    memcpy(current + at, copied, size);
    current_size = at + size + after;
}

static void overwrite(size_t at, uint64_t value, size_t size)
{
    if (at + size <= current_size)
        memcpy(current + at, &value, size);
}

static void mutate_once(void)
{
    size_t at = below(current_size + 1), left = current_size - at;
    const input *other = &inputs[below(input_count)];
    size_t from = below(other->size + 1), length = 1 + below(below(8) ? 16 : 1024);
    size_t there = other->size - from < length ? other->size - from : length;
    uint8_t byte = (uint8_t)below(256);
    switch (below(8)) {
    case 0:
        overwrite(at, byte, 1);
        break;
    case 1:
        overwrite(at, at < current_size ? current[at] ^ 1u << below(8) : 0, 1);
        break;
    case 2:
        overwrite(at, EXTREME[below(sizeof EXTREME / sizeof *EXTREME)], (size_t)1 << below(4));
        break;
    case 3:
        overwrite(at, at < current_size ? current[at] + below(35) - 17 : 0, 1);
        break;
    case 4:
        exchange(at, 0, &byte, 1);
        break;
    case 5:
        exchange(at, left < length ? left : length, NULL, 0);
        break;
    case 6:
        exchange(at, 0, other->bytes + from, there);
        break;
    default:
        exchange(at, left < there ? left : there, other->bytes + from, there);
    }
}

static void mutate(void)
{
    const input *chosen = &inputs[below(input_count)];
    current_size = chosen->size;
    memcpy(current, chosen->bytes, chosen->size);
    for (size_t times = 1 + below(5); times > 0; times--)
        mutate_once();
}

/* ---- runs ---- */

static bool run_current(void)
{
    alarm(STUCK_S);
    LLVMFuzzerTestOneInput(current, current_size);
    alarm(0);
    return look_at_edges();
}

static void replay(void)
{
    size_t count = input_count;
    for (size_t index = 0; index < count; index++) {
        current_size = inputs[index].size;
        memcpy(current, inputs[index].bytes, current_size);
        run_current();
    }
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The number of executions. */
static uint64_t explore(uint64_t runs, double seconds)
{
    uint64_t done = 0;
    double end = now_s() + seconds;
    for (; done < runs || (seconds > 0 && now_s() < end); done++) {
        mutate();
        if (!run_current())
            continue;
        add_input(current, current_size);
        write_current(found, "");
    }
    return done;
}

int main(int count, char **arguments)
{
    uint64_t runs = 0;
    double seconds = 0, start = now_s();
    for (int index = 1; index < count; index++) {
        const char *argument = arguments[index];
        if (strncmp(argument, "-runs=", 6) == 0)
            runs = strtoull(argument + 6, NULL, 10);
        else if (strncmp(argument, "-max_total_time=", 16) == 0)
            seconds = strtod(argument + 16, NULL);
        else if (strncmp(argument, "-seed=", 6) == 0)
            state ^= strtoull(argument + 6, NULL, 10) * 0x9E3779B97F4A7C15u;
        else if (*argument != '-')
            add_directory(found ? argument : (found = argument));
    }
    size_t replayed = input_count;
    HOLDS(replayed, "name two directories: for what is found, and with what there is");
    const int ends[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
    for (size_t index = 0; index < sizeof ends / sizeof *ends; index++)
        signal(ends[index], on_end);
    replay();
    uint64_t done = explore(runs, seconds);
    printf("%s: %zu inputs replayed, %llu executions, %zu edges, %zu inputs kept, %.1f s\n", strrchr(arguments[0], '/') + 1,
           replayed, (unsigned long long)done, edges, input_count - replayed, now_s() - start);
    for (size_t index = 0; index < input_count; index++)
        free(inputs[index].bytes);
    return 0;
}
