/* The times of lines: line_times.h. */
#include "line_times.h"

#include "../event_clock.h"
#include "emit.h"

typedef struct {
    uint32_t runs;
    uint64_t ran_ns;
} line_time;

struct scope_line_times {
    uint32_t first, current; /* `current`: index; SCOPE_LINES_MAX: none */
    uint32_t capacity, left_out;
    uint64_t since_ns; /* 0: it stands still */
    line_time *lines;
};

typedef struct {
    uint32_t line, runs;
    uint64_t ran_ns;
} line_entry;
_Static_assert(sizeof(line_entry) == 16, "a line of a LINES record");

scope_line_times *scope_lines_new(uint32_t first)
{
    scope_line_times *lines = PyMem_RawCalloc(1, sizeof *lines);
    if (lines) {
        lines->first = first;
        lines->current = SCOPE_LINES_MAX;
    }
    return lines;
}

void scope_lines_free(scope_line_times *lines)
{
    if (lines)
        PyMem_RawFree(lines->lines);
    PyMem_RawFree(lines);
}

static bool grow(scope_line_times *lines, uint32_t index)
{
    uint32_t capacity = index < 32 ? 32 : index < SCOPE_LINES_MAX / 2 ? 2 * index : SCOPE_LINES_MAX;
    line_time *grown = PyMem_RawRealloc(lines->lines, capacity * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + lines->capacity, 0, (capacity - lines->capacity) * sizeof *grown);
    lines->lines = grown;
    lines->capacity = capacity;
    return true;
}

static void end_current(scope_line_times *lines, uint64_t now_ns)
{
    if (lines->since_ns && lines->current < lines->capacity)
        lines->lines[lines->current].ran_ns += now_ns - lines->since_ns;
}

void scope_lines_at(scope_line_times *lines, uint32_t line)
{
    uint64_t now_ns = scope_event_now();
    end_current(lines, now_ns);
    uint32_t index = line - lines->first;
    bool has_room = index < SCOPE_LINES_MAX && (index < lines->capacity || grow(lines, index));
    lines->since_ns = now_ns;
    lines->current = has_room ? index : SCOPE_LINES_MAX;
    if (has_room)
        lines->lines[index].runs++;
    else
        lines->left_out++;
}

void scope_lines_stop(scope_line_times *lines)
{
    end_current(lines, scope_event_now());
    lines->since_ns = 0;
}

void scope_lines_resume(scope_line_times *lines)
{
    lines->since_ns = scope_event_now();
}

void scope_record_lines(scope_line_times *lines, const RequestObject *request, uint32_t span)
{
    struct {
        uint32_t left_out;
        uint16_t count, zero;
        line_entry entries[SCOPE_LINES_MAX];
    } payload;
    scope_lines_stop(lines);
    payload.left_out = lines->left_out;
    payload.count = payload.zero = 0;
    for (uint32_t index = 0; index < lines->capacity; index++)
        if (lines->lines[index].runs)
            payload.entries[payload.count++] =
                (line_entry){lines->first + index, lines->lines[index].runs, lines->lines[index].ran_ns};
    scope_emit_payload(request, SCOPE_LINES, 0, span, 0, &payload, 8 + payload.count * sizeof *payload.entries);
}
