"""Numbers and struct formats of docs/design/wire.md, version 2; ``scope/core/record.h`` is the other copy."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final

from ..model import EventType

# --- record ---------------------------------------------------------------------------------------------------------

WORD_BYTES: Final = 8
MAX_RECORD_WORDS: Final = 0xFFFF
STAMP_MASK: Final = 0xFFFFFF
FIRST_EVENT_TYPE: Final = 0x10
"""Records of this type and above are events and have the prefix of four words."""

HEADER: Final = Struct("<Q")
PREFIX: Final = Struct("<QQIIII")
"""Header; time_ns; low half of the request key, site; span, parent."""

BLOCK: Final = Struct("<Q")
LANE: Final = Struct("<QII")
GAP: Final = Struct("<QQQ")
TRACE_ID_BYTES: Final = 16
REQUEST_BEGIN: Final = Struct("<16sQQBBHI")
RESPONSE_START: Final = Struct("<II")
RESPONSE_END: Final = Struct("<QQ")
REQUEST_END: Final = Struct("<B7xQQQQ")
LOOP_STEP: Final = Struct("<QQII")
GC_PAUSE: Final = Struct("<QIIQQ")
VALUES: Final = Struct("<BBHI")
LINES: Final = Struct("<IHH")
LINE: Final = Struct("<IIQ")
ASYNC_TASK_BEGIN: Final = Struct("<QII")
LEDGER: Final = Struct("<QIBBH")
TWO_BYTES: Final = Struct("<BB")

_FIXED_BYTES: Final = {
    EventType.FILL: 0,
    EventType.BLOCK: BLOCK.size,
    EventType.LANE: LANE.size + 2,
    EventType.GAP: GAP.size,
    EventType.REQUEST_BEGIN: REQUEST_BEGIN.size + 8,
    EventType.REQUEST_ROUTE: 0,
    EventType.RESPONSE_START: RESPONSE_START.size,
    EventType.RESPONSE_END: RESPONSE_END.size,
    EventType.REQUEST_END: REQUEST_END.size,
    EventType.DISCONNECT: 0,
    EventType.SPAN_BEGIN: TWO_BYTES.size + 4,
    EventType.SPAN_END: TWO_BYTES.size + 2,
    EventType.FUNCTION_ENTER: 0,
    EventType.FUNCTION_EXIT: 0,
    EventType.MARK: 0,
    EventType.VALUES: VALUES.size + 2,
    EventType.LINES: LINES.size,
    EventType.ANNOTATION: 2,
    EventType.EXCEPTION: TWO_BYTES.size + 6,
    EventType.LOOP_STEP: LOOP_STEP.size,
    EventType.OUTSIDE_STEP: LOOP_STEP.size,
    EventType.GC_PAUSE: GC_PAUSE.size,
    EventType.SHUTDOWN: 0,
    EventType.ASYNC_TASK_BEGIN: ASYNC_TASK_BEGIN.size + 2,
    EventType.ASYNC_TASK_END: TWO_BYTES.size + 2,
    EventType.LEDGER: LEDGER.size,
}


def head_bytes(record_type: int) -> int:
    """Bytes before the payload: the header word alone, or the prefix."""
    return PREFIX.size if record_type >= FIRST_EVENT_TYPE else HEADER.size


def padded(length: int) -> int:
    """``length`` in bytes rounded up to whole words."""
    return -(-length // WORD_BYTES) * WORD_BYTES


MINIMUM_BYTES: Final = {int(kind): padded(head_bytes(kind) + fixed) for kind, fixed in _FIXED_BYTES.items()}
"""Length below which a record of the type cannot be whole."""


def stamp(position: int) -> int:
    """What a record at ``position`` of its ring carries in its header, so that an earlier lap's bytes don't parse."""
    return position >> 3 & STAMP_MASK


# --- attribute values -----------------------------------------------------------------------------------------------

MAX_DEPTH: Final = 4
"""Lists and maps within each other; a value inside five of them is malformed."""
MAX_TEXT_BYTES: Final = 0xFFFF
MAX_ITEMS: Final = 0xFF
MAX_INTEGER_DIGITS: Final = 640
"""What every Python converts to an int, whatever its limit is set to."""


class Tag(IntEnum):
    """First byte of an attribute value."""

    NULL = 0
    FALSE = 1
    TRUE = 2
    INTEGER = 3
    FLOAT = 4
    TEXT = 5
    BYTES = 6
    LIST = 7
    CUT = 8
    REDACTED = 9
    OBJECT = 10
    MAP = 11
    BIG_INTEGER = 12
    PART = 13
    INSTANCE = 14


# --- definitions ----------------------------------------------------------------------------------------------------

DEFINITION: Final = Struct("<IHH")

# --- segment --------------------------------------------------------------------------------------------------------

MAGIC: Final = b"SCOPESEG"
ABI_MAJOR: Final = 2
ABI_MINOR: Final = 1
KNOWN_INCOMPATIBLE_FEATURES: Final = 0
PAGE_BYTES: Final = 4096
MIN_BLOCK_BYTES: Final = 16 * 1024
MAX_BLOCK_BYTES: Final = 64 * 1024
MAX_LANES: Final = 1024
MAX_LANE_BYTES: Final = 64 * 1024 * 1024
"""The stamp tells laps apart up to twice as much."""
MAX_DEFINITIONS_BYTES: Final = 16 * 1024 * 1024
FURTHEST: Final = 1 << 60
"""A position, in bytes of a lane, that no writer reaches."""
CLOCK_MONOTONIC: Final = 1
MAX_CLOCK_NS: Final = 1 << 62
"""The year 2116; sums and differences of two fit 64 bits with a sign."""
LOSS_REASONS: Final = (
    "lapped",
    "full",
    "no_lane",
    "reentrant",
    "too_big",
    "no_space",
    "definitions_full",
    "forked",
    "timed_out",
)
POLICIES: Final = ("overwrite-oldest", "discard-newest", "block")
"""What a full lane does, by the number that the header has for it."""

SEGMENT_HEADER: Final = Struct("<8sIHHQQ16sQIIIIQQQQQQQQQ16sQII3Q")
CONTROL_WORD: Final = Struct("<Q")
DEFINITIONS_LINE_OFFSET: Final = 64
DEFINITIONS_LINE: Final = Struct("<QQ")
PROCESS_LOSSES_OFFSET: Final = 128
LOSSES: Final = Struct(f"<{len(LOSS_REASONS)}Q")
"""Of 16 counters, those that have a meaning."""

LANE_CONTROL_BYTES: Final = 512
LANE_OWNER: Final = Struct("<Q")
LANE_WRITER_OFFSET: Final = 64
LANE_WRITER: Final = Struct("<QQQ")
LANE_LOSSES_OFFSET: Final = 128
LANE_HEAD_OFFSET: Final = 256
LANE_HEAD: Final = Struct("<Q")
LANE_WAITERS_OFFSET: Final = 320
LANE_WAITERS: Final = Struct("<I")
