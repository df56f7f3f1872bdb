"""A plain writer of segment files: what the C core writes, without threads, fences or haste."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scope.model import Event, EventType
from scope.wire.encode import encode_record
from scope.wire.layout import (
    ABI_MAJOR,
    CLOCK_MONOTONIC,
    CONTROL_WORD,
    DEFINITIONS_LINE,
    DEFINITIONS_LINE_OFFSET,
    FIRST_EVENT_TYPE,
    LANE_CONTROL_BYTES,
    LANE_HEAD,
    LANE_HEAD_OFFSET,
    LANE_LOSSES_OFFSET,
    LANE_OWNER,
    LANE_WAITERS,
    LANE_WAITERS_OFFSET,
    LANE_WRITER,
    LANE_WRITER_OFFSET,
    LOSS_REASONS,
    LOSSES,
    MAGIC,
    PAGE_BYTES,
    PROCESS_LOSSES_OFFSET,
    SEGMENT_HEADER,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK_BYTES = 16 * 1024
LANE_BYTES = 2 * BLOCK_BYTES
DEFINITIONS_BYTES = PAGE_BYTES
UUID = bytes(range(16))
BOOT_ID = bytes(range(16, 32))
NO_LOSSES = (0,) * len(LOSS_REASONS)


@dataclass
class LaneWriter:
    """The ring of one lane, overwriting the oldest."""

    capacity: int = LANE_BYTES
    tail: int = 0
    intent: int = 0
    sequence: int = 0
    head: int = 0
    owner: int = 0
    waiters: int = 0
    losses: tuple[int, ...] = NO_LOSSES
    ring: bytearray = field(default_factory=bytearray)
    written: list[tuple[int, Event]] = field(default_factory=list[tuple[int, Event]])

    def __post_init__(self) -> None:
        self.ring = bytearray(self.capacity)

    def own(self, thread_id: int, generation: int = 1, state: int = 1) -> None:
        self.owner = state | generation << 8 | thread_id << 32

    def write(self, event: Event) -> None:
        """A record, after a FILL and in a new block where it doesn't fit into this one."""
        size = len(encode_record(event))
        left = -self.tail % BLOCK_BYTES
        if size > left:
            self._enter_block(left)
        self._put(event)
        self.sequence += event.type >= FIRST_EVENT_TYPE

    def _enter_block(self, left: int) -> None:
        self.intent = self.tail + left + BLOCK_BYTES
        if left:
            fill = encode_record(Event(EventType.FILL, 0), self.tail)
            at = self.tail % self.capacity
            self.ring[at : at + len(fill)] = fill
            self.tail += left
        self._put(Event(EventType.BLOCK, 0, payload={"sequence": self.sequence}))

    def _put(self, event: Event) -> None:
        record = encode_record(event, self.tail)
        at = self.tail % self.capacity
        self.ring[at : at + len(record)] = record
        self.written.append((self.tail, event))
        self.tail += len(record)

    def control(self) -> bytes:
        data = bytearray(LANE_CONTROL_BYTES)
        LANE_OWNER.pack_into(data, 0, self.owner)
        LANE_WRITER.pack_into(data, LANE_WRITER_OFFSET, self.tail, self.intent, self.sequence)
        LOSSES.pack_into(data, LANE_LOSSES_OFFSET, *self.losses)
        LANE_HEAD.pack_into(data, LANE_HEAD_OFFSET, self.head)
        LANE_WAITERS.pack_into(data, LANE_WAITERS_OFFSET, self.waiters)
        return bytes(data)


@dataclass
class HeaderFields:
    """The fields of a header that is in order, for tests to put one of them out of it."""

    magic: bytes = MAGIC
    ready: int = 1
    abi_major: int = ABI_MAJOR
    abi_minor: int = 0
    incompatible: int = 0
    compatible: int = 0
    uuid: bytes = UUID
    file_bytes: int = 0
    header_bytes: int = PAGE_BYTES
    lanes: int = 2
    block_bytes: int = BLOCK_BYTES
    policy: int = 0
    control_offset: int = PAGE_BYTES
    lane_controls_offset: int = 2 * PAGE_BYTES
    lane_data_offset: int = 3 * PAGE_BYTES + DEFINITIONS_BYTES
    first_lane_bytes: int = LANE_BYTES
    lane_bytes: int = LANE_BYTES
    definitions_offset: int = 3 * PAGE_BYTES
    definitions_bytes: int = DEFINITIONS_BYTES
    pid: int = 4711
    start_ticks: int = 123_456
    boot_id: bytes = BOOT_ID
    pid_namespace: int = 4_026_531_836
    clock_id: int = CLOCK_MONOTONIC
    reserved: int = 0
    monotonic_ns: int = 1_000
    boottime_ns: int = 2_000
    realtime_ns: int = 1_700_000_000_000_001_000

    def page(self) -> bytes:
        values = [getattr(self, name) for name in type(self).__dataclass_fields__]
        return SEGMENT_HEADER.pack(*values).ljust(PAGE_BYTES, b"\0")


def build_segment(
    lanes: Sequence[LaneWriter],
    definitions: Sequence[bytes] = (),
    *,
    header: HeaderFields | None = None,
    control: int = 0,
    losses: tuple[int, ...] = NO_LOSSES,
) -> bytes:
    """The bytes of a whole segment file with ``lanes``, at most eight, all of one size."""
    fields = header or HeaderFields(lanes=len(lanes))
    fields.file_bytes = fields.file_bytes or fields.lane_data_offset + sum(lane.capacity for lane in lanes)
    written = b"".join(definitions)
    page = bytearray(PAGE_BYTES)
    CONTROL_WORD.pack_into(page, 0, control)
    DEFINITIONS_LINE.pack_into(page, DEFINITIONS_LINE_OFFSET, len(written), len(definitions))
    LOSSES.pack_into(page, PROCESS_LOSSES_OFFSET, *losses)
    controls = b"".join(lane.control() for lane in lanes).ljust(PAGE_BYTES, b"\0")
    rings = b"".join(lane.ring for lane in lanes)
    return fields.page() + page + controls + written.ljust(DEFINITIONS_BYTES, b"\0") + rings
