/* One traced process's shared memory: header, control page, lane controls, definitions, lane data.
 *
 * The layout is that of docs/design/wire.md. The process writes everything except the control word and each lane's
 * line of `head` and `futex`, which are the collector's. Nothing in it is a pointer.
 */
#ifndef SCOPE_SEGMENT_H
#define SCOPE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity.h"
#include "shared.h"

#define SCOPE_PAGE 4096
#define SCOPE_ABI_MAJOR 2
#define SCOPE_ABI_MINOR 1
#define SCOPE_MAGIC "SCOPESEG"
#define SCOPE_LANES_MAX 1024
#define SCOPE_BLOCK_BYTES_MIN (UINT64_C(1) << 14)
#define SCOPE_BLOCK_BYTES_MAX (UINT64_C(1) << 16)
#define SCOPE_LANE_BYTES_MAX (UINT64_C(1) << 26) /* the stamp tells laps apart up to 2^27 bytes */
#define SCOPE_DEFINITIONS_BYTES_MIN (UINT64_C(1) << 12)
#define SCOPE_DEFINITIONS_BYTES_MAX (UINT64_C(1) << 24)

#define SCOPE_LOSS_SLOTS 16 /* counters that a line pair has room for */

enum scope_policy { SCOPE_OVERWRITE_OLDEST, SCOPE_DISCARD_NEWEST, SCOPE_BLOCK_WRITER, SCOPE_POLICIES };

/* The control word: which bits say what. */
#define SCOPE_CONTROL_GENERATION_MASK UINT64_C(0xFFFFFFFF) /* of what is to be recorded; 0: what the process began with */
#define SCOPE_CONTROL_SHED_SHIFT 32
#define SCOPE_CONTROL_SHED_MASK UINT64_C(0xFF) /* how much is left out of traces: python/shedding.h */
#define SCOPE_CONTROL_SHARE_SHIFT 44
#define SCOPE_CONTROL_SHARE_MASK UINT64_C(0xFFF) /* why: tenths of a percent of the process's CPU that tracing took */
#define SCOPE_CONTROL_HEARD_MASK                                                                     \
    (SCOPE_CONTROL_GENERATION_MASK | SCOPE_CONTROL_SHED_MASK << SCOPE_CONTROL_SHED_SHIFT              \
     | SCOPE_CONTROL_SHARE_MASK << SCOPE_CONTROL_SHARE_SHIFT)
#define SCOPE_CONTROL_POLICY_SHIFT 41
#define SCOPE_CONTROL_POLICY_MASK UINT64_C(7) /* 0: the session's own; else the policy's number + 1 */

enum scope_loss {
    SCOPE_LOST_LAPPED,
    SCOPE_LOST_FULL,
    SCOPE_LOST_NO_LANE,
    SCOPE_LOST_REENTRANT,
    SCOPE_LOST_TOO_BIG,
    SCOPE_LOST_NO_SPACE,
    SCOPE_LOST_DEFINITIONS_FULL,
    SCOPE_LOST_FORKED,
    SCOPE_LOST_TIMED_OUT,
    SCOPE_LOSS_REASONS
};

enum scope_lane_state { SCOPE_LANE_FREE, SCOPE_LANE_OWNED, SCOPE_LANE_RETIRED };

enum scope_definition { SCOPE_DEFINE_NAME = 1, SCOPE_DEFINE_CODE, SCOPE_DEFINE_ROUTE, SCOPE_DEFINE_RESOURCE, SCOPE_DEFINE_SHED = 10 };

typedef struct {
    char magic[8];
    _Atomic uint32_t ready;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint64_t incompatible;
    uint64_t compatible;
    uint8_t uuid[16];
    uint64_t size;
    uint32_t header_bytes;
    uint32_t lanes;
    uint32_t block_bytes;
    uint32_t policy;
    uint64_t control_offset;
    uint64_t lanes_offset;
    uint64_t data_offset;
    uint64_t first_lane_bytes;
    uint64_t lane_bytes;
    uint64_t definitions_offset;
    uint64_t definitions_bytes;
    uint64_t pid;
    uint64_t start_ticks;
    uint8_t boot_id[16];
    uint64_t pid_namespace;
    uint32_t clock_id;
    uint32_t reserved;
    uint64_t monotonic_ns;
    uint64_t boottime_ns;
    uint64_t realtime_ns;
} scope_segment_header;

typedef struct {
    _Alignas(64) scope_word control; /* written by the collector, relaxed; read by writers, relaxed */
    _Alignas(64) scope_word definitions_tail; /* release by the process, acquire by the collector */
    scope_word definitions_count;
    _Alignas(64) scope_word lost[SCOPE_LOSS_SLOTS]; /* losses that no lane could count */
} scope_control_page;

typedef struct {
    _Alignas(64) scope_word ownership; /* state 8 bits, generation 24, thread id 32 */
    _Alignas(64) scope_word tail; /* the commit point: release by the writer, acquire by the reader */
    scope_word intent; /* end of the block that is being overwritten; see ring.h */
    scope_word sequence; /* number of the next event, as of the last block entry or retirement */
    _Alignas(64) scope_word lost[SCOPE_LOSS_SLOTS]; /* written by the lane's owner, relaxed */
    _Alignas(64) scope_word head; /* written by the collector: everything below is stored */
    scope_futex futex; /* written by the collector: changes when a writer that waits is to look again */
    _Alignas(64) _Atomic uint32_t waiters; /* written by the lane's owner: 1 while it waits for `head` */
    uint8_t padding[512 - 5 * 64 - 4];
} scope_lane_control;

_Static_assert(sizeof(scope_segment_header) == 200, "header layout");
_Static_assert(offsetof(scope_segment_header, uuid) == 32, "header layout");
_Static_assert(offsetof(scope_segment_header, control_offset) == 72, "header layout");
_Static_assert(offsetof(scope_segment_header, pid) == 128, "header layout");
_Static_assert(offsetof(scope_segment_header, realtime_ns) == 192, "header layout");
_Static_assert(offsetof(scope_control_page, lost) == 128, "control page layout");
_Static_assert(sizeof(scope_lane_control) == 512, "lane control layout");
_Static_assert(offsetof(scope_lane_control, tail) == 64, "lane control layout");
_Static_assert(offsetof(scope_lane_control, lost) == 128, "lane control layout");
_Static_assert(offsetof(scope_lane_control, head) == 256, "lane control layout");
_Static_assert(offsetof(scope_lane_control, futex) == 264, "lane control layout");
_Static_assert(offsetof(scope_lane_control, waiters) == 320, "lane control layout");

typedef struct {
    uint32_t lanes;
    uint32_t block_bytes;
    uint64_t first_lane_bytes;
    uint64_t lane_bytes;
    uint64_t definitions_bytes;
    enum scope_policy policy;
} scope_segment_sizes;

enum scope_slept { SCOPE_SLEPT, SCOPE_SLEPT_PAST_DEADLINE, SCOPE_SLEEP_REFUSED };

/* How a writer sleeps that has to wait for room: as scope_futex_wait, or not at all. `self` is what it was given for. */
typedef enum scope_slept scope_sleeper(void *self, scope_futex *at, uint32_t expected, uint64_t deadline_ns);

/* A mapped segment. `header` is a validated private copy: shared memory is never trusted twice. */
typedef struct {
    uint8_t *base;
    int fd;
    scope_segment_header header;
    scope_control_page *control;
    scope_lane_control *lanes;
    scope_word *definitions;
    uint64_t definitions_allocated; /* bytes backed by real pages; the writer's own */
    atomic_bool short_of_memory; /* some was refused once; relaxed, any thread of the process, pairs with nothing */
    uint64_t block_ns; /* how long a write may wait for room, at most */
    scope_sleeper *sleeper; /* NULL: on the futex, whoever writes */
    void *sleeper_self;
} scope_segment;

#define SCOPE_BLOCK_NS UINT64_C(100000000) /* unless something else is set */

/* What is wrong with `sizes`, in words; NULL when nothing is. */
const char *scope_segment_check_sizes(const scope_segment_sizes *sizes);

/* Makes the file (O_EXCL, O_NOFOLLOW, 0600) and maps it. 0; -1 with errno set, and no file left behind. */
int scope_segment_create(scope_segment *segment, const char *path, const scope_segment_sizes *sizes);

/* Maps an existing file for reading. 0; -1 with errno set; -2 where it is no sound segment: `*fault` says why. */
int scope_segment_open(scope_segment *segment, const char *path, const char **fault);

/* Whether the file still has the size that its header promised (a shorter one would raise SIGBUS). */
bool scope_segment_whole(const scope_segment *segment);

/* Whether less memory stands behind the file than its lanes were written to: no writer leaves such holes, and reading them would
 * fill shared memory. Where the file is not in memory nobody knows, and it does no harm: false. */
bool scope_segment_hollow(const scope_segment *segment);

void scope_segment_close(scope_segment *segment);

/* Backs bytes [offset, offset + length) of the file with real pages, so that a full /dev/shm is an error here and not a
 * SIGBUS later. 0, or -1 with errno set. */
int scope_segment_allocate(scope_segment *segment, uint64_t offset, uint64_t length);

static inline uint64_t scope_lane_bytes(const scope_segment_header *header, uint32_t lane)
{
    return lane == 0 ? header->first_lane_bytes : header->lane_bytes;
}

static inline uint64_t scope_lane_offset(const scope_segment_header *header, uint32_t lane)
{
    return lane == 0 ? header->data_offset
                     : header->data_offset + header->first_lane_bytes + (lane - 1) * header->lane_bytes;
}

#define SCOPE_BACKING_BYTES (UINT64_C(128) << 10) /* a multiple of every block size */

/* How much of a lane has memory behind it when it was written up to `end`: whole steps, one at least. A lane gets its memory
 * as its first lap comes to it, so that a process that writes little costs little; never later, for a store to a page that
 * the disk has no room for would kill the process. */
static inline uint64_t scope_lane_backing(const scope_segment_header *header, uint32_t lane, uint64_t end)
{
    uint64_t capacity = scope_lane_bytes(header, lane);
    uint64_t steps = end ? (end - 1) / SCOPE_BACKING_BYTES + 1 : 1;
    return steps < capacity / SCOPE_BACKING_BYTES ? steps * SCOPE_BACKING_BYTES : capacity;
}

/* Whether a definition of `length` bytes would find room; memory is put behind it where it would. */
bool scope_can_define(scope_segment *segment, uint32_t length);

/* Appends a definition; its number, or 0 where the area or the disk is full (counted). The payload is below 64 KiB. */
uint32_t scope_define(scope_segment *segment, enum scope_definition kind, const uint8_t *payload, uint32_t length);

/* What a full lane does now: as the collector wishes, else as the segment was made. */
static inline enum scope_policy scope_segment_policy(const scope_segment *segment)
{
    uint64_t wish = scope_load_relaxed(&segment->control->control) >> SCOPE_CONTROL_POLICY_SHIFT & SCOPE_CONTROL_POLICY_MASK;
    return wish && wish <= SCOPE_POLICIES ? (enum scope_policy)(wish - 1) : (enum scope_policy)segment->header.policy;
}

/* Adds to a loss counter that only one thread at a time writes. */
static inline void scope_count_lost(scope_word *counter, uint64_t events)
{
    scope_store_relaxed(counter, scope_load_relaxed(counter) + events);
}

#endif
