/* How long one write takes: percentiles, alone and while a reader in another process copies the lane that is being overwritten,
 * each beside those of an empty call that is timed in the same loop.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "clock.h"
#include "segments.h"

enum { SAMPLES = 4000000, WORDS = 8 };

typedef struct {
    uint32_t *ticks;
} series;

/* A clock that costs little, and is read when what comes before has been done. */
static inline uint64_t tick(void)
{
#if defined(__x86_64__)
    __builtin_ia32_lfence();
    uint64_t now = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return now;
#else
    return scope_clock_now();
#endif
}

__attribute__((noinline)) static void write_nothing(scope_ring *ring, uint64_t value)
{
    __asm__ volatile("" : : "r"(ring), "r"(value) : "memory");
}

__attribute__((noinline)) static void write_one(scope_ring *ring, uint64_t value)
{
    write_event(ring, SCOPE_MARK, 1, WORDS, value);
}

static uint32_t span_of(uint64_t from, uint64_t to)
{
    return to - from > UINT32_MAX ? UINT32_MAX : (uint32_t)(to - from);
}

static void measure(scope_ring *ring, series *empty, series *writes)
{
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        uint64_t first = tick();
        write_nothing(ring, sample);
        uint64_t second = tick();
        write_one(ring, sample);
        uint64_t third = tick();
        empty->ticks[sample] = span_of(first, second);
        writes->ticks[sample] = span_of(second, third);
    }
}

static int compare(const void *left, const void *right)
{
    uint32_t one = *(const uint32_t *)left, other = *(const uint32_t *)right;
    return (one > other) - (one < other);
}

/* The mean of all but the slowest of ten thousand, which others on the processor have made slow. Finer than the clock's steps. */
static double mean(const series *of)
{
    uint64_t sum = 0, count = SAMPLES - SAMPLES / 10000;
    for (uint64_t sample = 0; sample < count; sample++)
        sum += of->ticks[sample];
    return (double)sum / (double)count;
}

static void print_row(const char *reader, const char *call, series *of, double ns_a_tick)
{
    static const double parts[] = {0.5, 0.99, 0.9999, 1};
    qsort(of->ticks, SAMPLES, sizeof *of->ticks, compare);
    printf("%-9s %-6s %10.1f", reader, call, mean(of) * ns_a_tick);
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
        printf(" %10.0f", of->ticks[(uint64_t)(parts[part] * (SAMPLES - 1))] * ns_a_tick);
    putchar('\n');
}

static volatile sig_atomic_t is_over;

static void end(int number)
{
    (void)number;
    is_over = 1;
}

/* Reads without a pause, until it is told to end; then it tells how many events it missed. */
static pid_t begin_reader(scope_segment *segment, _Atomic uint64_t *missed)
{
    pid_t reader = fork();
    if (reader)
        return reader;
    reading read = new_reading(segment);
    signal(SIGTERM, end);
    while (!is_over) {
        read_lane(&read, segment, 0);
        read.count = 0;
    }
    *missed = read.lost[SCOPE_LOST_LAPPED];
    _exit(0);
}

static void run(bool with_reader, series *empty, series *writes)
{
    scope_segment segment = new_segment(&SMALL);
    scope_ring ring;
    _Atomic uint64_t *missed = mmap(NULL, SCOPE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (missed == MAP_FAILED || scope_lane_claim(&segment, &ring, 1, "writer", 6) != 0)
        abort();
    pid_t reader = with_reader ? begin_reader(&segment, missed) : 0;
    uint64_t began_ns = scope_clock_now(), began = tick();
    measure(&ring, empty, writes);
    double ns_a_tick = (double)(scope_clock_now() - began_ns) / (double)(tick() - began);
    if (reader) {
        kill(reader, SIGTERM);
        waitpid(reader, NULL, 0);
        printf("(the reader was lapped by %llu events of %d)\n", (unsigned long long)*missed, SAMPLES);
    }
    print_row(with_reader ? "lapping" : "none", "empty", empty, ns_a_tick);
    print_row(with_reader ? "lapping" : "none", "write", writes, ns_a_tick);
    scope_segment_close(&segment);
}

int main(void)
{
    series empty = {calloc(SAMPLES, sizeof(uint32_t))}, writes = {calloc(SAMPLES, sizeof(uint32_t))};
    if (!empty.ticks || !writes.ticks)
        abort();
    printf("ns of one write of %d words, the clock's own part included; %d of each\n", WORDS, SAMPLES);
    printf("%-9s %-6s %10s %10s %10s %10s %10s\n", "reader", "call", "mean", "p50", "p99", "p99.99", "max");
    run(false, &empty, &writes);
    run(true, &empty, &writes);
    free(empty.ticks);
    free(writes.ticks);
    return 0;
}
