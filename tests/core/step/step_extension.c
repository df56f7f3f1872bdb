/* Steps an interpreter through the extension as it is installed: what Python code emits, and a fork.
 *
 *     step_extension PYTHON PROGRAM (emit.py)
 *
 * What the events say is Python's to know; here every instruction leaves a segment of which all records can be read, and
 * these are the ones that were there an instruction before, word for word, with or without further ones.
 */
#include "snapshot.h"
#include "step.h"

/* Of one process: its segment, and all that was read from it so far. */
typedef struct {
    snapshot segment;
    uint8_t *records;
    uint64_t size, events, definitions;
} watched;

typedef struct {
    char *const *command;
    watched parent, child;
    uint64_t states;
} sweep;

typedef struct {
    uint8_t *bytes;
    uint64_t size, events;
} collected;

static void keep(void *self, uint32_t lane, uint64_t position, const uint8_t *record, uint64_t words)
{
    collected *to = self;
    (void)lane, (void)position;
    memcpy(to->bytes + to->size, record, words * 8);
    to->size += words * 8;
    to->events += scope_header_type(scope_load64(record)) >= SCOPE_EVENTS;
}

static void complain(void *self, uint32_t lane, uint64_t time_ns, uint64_t events, enum scope_loss reason)
{
    (void)self, (void)time_ns;
    CHECK(events == 0, "lane %u: %llu events are lost, for reason %d", lane, (unsigned long long)events, reason);
}

/* The number of entries up to the tail; each has to end within it. */
static uint64_t count_definitions(const scope_segment *segment)
{
    uint64_t tail = scope_load_acquire(&segment->control->definitions_tail), at = 0, count = 0;
    const uint8_t *entries = (const uint8_t *)segment->definitions;
    for (; at < tail; count++) {
        uint32_t length = scope_load32(entries + at);
        CHECK(length >= 8 && length % 8 == 0, "a definition of %u bytes", length);
        if (length < 8)
            break;
        at += length;
    }
    CHECK(at == tail, "the last definition ends at %llu of %llu", (unsigned long long)at, (unsigned long long)tail);
    return count;
}

/* Reads everything anew, and compares with what could be read before. */
static void survive(watched *one)
{
    uint8_t *buffer = malloc(one->segment.copy.header.first_lane_bytes);
    collected now = {.bytes = malloc(one->segment.copy.header.size)};
    scope_sink sink = {&now, keep, complain};
    scope_lane_reader reader = {0};
    scope_lane_read(&one->segment.copy, 0, &reader, buffer, &sink);
    uint64_t definitions = count_definitions(&one->segment.copy);
    CHECK(reader.quarantined == 0, "%llu blocks damaged", (unsigned long long)reader.quarantined);
    CHECK(now.size >= one->size && memcmp(now.bytes, one->records, one->size) == 0, "what was read has changed");
    CHECK(definitions >= one->definitions, "%llu definitions", (unsigned long long)definitions);
    free(one->records);
    free(buffer);
    one->records = now.bytes;
    one->size = now.size;
    one->events = now.events;
    one->definitions = definitions;
}

static void look_at(sweep *self, watched *one)
{
    if (check_failures || !snapshot_is_there(&one->segment) || !snapshot_take(&one->segment))
        return;
    self->states++;
    survive(one);
}

static void look(void *argument)
{
    sweep *self = argument;
    look_at(self, &self->parent);
    look_at(self, &self->child);
}

static void begin(void *argument)
{
    sweep *self = argument;
    execl(self->command[0], self->command[0], self->command[1], self->parent.segment.path, self->child.segment.path, (char *)NULL);
    perror(self->command[0]);
}

static void ignore(void *self)
{
    (void)self;
}

int main(int count, char **arguments)
{
    static sweep self;
    if (count != 3 || !step_is_allowed()) {
        printf("extension: NOT TESTED: %s\n", count == 3 ? "ptrace is refused" : "which Python, and which program?");
        return 77;
    }
    self.command = arguments + 1;
    strcpy(self.parent.segment.path, test_path("parent.seg"));
    strcpy(self.child.segment.path, test_path("child.seg"));
    step_run run = {.script = begin, .look = look, .asked = ignore, .self = &self, .skip = 1, .until = 2};
    uint64_t stepped = step_through(&run);
    CHECK(self.parent.events == 2 * self.child.events && self.child.events > 8, "%llu events, %llu in the child",
          (unsigned long long)self.parent.events, (unsigned long long)self.child.events);
    printf("extension: %llu instructions, %llu different states of memory, %llu events, %d failures\n",
           (unsigned long long)stepped, (unsigned long long)self.states,
           (unsigned long long)(self.parent.events + self.child.events), check_failures);
    return CHECK_RESULT();
}
