"""The header page of a segment file, believed only after every field of a copy of it has been checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from .errors import WireError
from .layout import (
    ABI_MAJOR,
    CLOCK_MONOTONIC,
    KNOWN_INCOMPATIBLE_FEATURES,
    LANE_CONTROL_BYTES,
    MAGIC,
    MAX_BLOCK_BYTES,
    MAX_CLOCK_NS,
    MAX_DEFINITIONS_BYTES,
    MAX_LANE_BYTES,
    MAX_LANES,
    MIN_BLOCK_BYTES,
    PAGE_BYTES,
    POLICIES,
    SEGMENT_HEADER,
)


class Clocks(NamedTuple):
    """Three clocks read together, in nanoseconds."""

    monotonic_ns: int
    boottime_ns: int
    realtime_ns: int

    @property
    def offset_ns(self) -> int:
        """What turns a record's time into Unix time when added to it."""
        return self.realtime_ns - self.monotonic_ns


@dataclass(frozen=True, slots=True)
class Header:
    """A segment's header; offsets and sizes in bytes, checked against each other and the size of the file."""

    abi_minor: int
    uuid: UUID
    file_bytes: int
    lanes: int
    block_bytes: int
    policy: str
    control_offset: int
    lane_controls_offset: int
    lane_data_offset: int
    first_lane_bytes: int
    lane_bytes: int
    definitions_offset: int
    definitions_bytes: int
    pid: int
    start_ticks: int
    boot_id: UUID
    pid_namespace: int
    clocks: Clocks

    def lane_control(self, lane: int) -> int:
        """Offset of the control of ``lane``."""
        return self.lane_controls_offset + lane * LANE_CONTROL_BYTES

    def lane_capacity(self, lane: int) -> int:
        return self.lane_bytes if lane else self.first_lane_bytes

    def lane_data(self, lane: int) -> int:
        """Offset of the ring of ``lane``."""
        return self.lane_data_offset + (self.first_lane_bytes + (lane - 1) * self.lane_bytes if lane else 0)


def parse_header(page: bytes, file_bytes: int) -> Header:
    """The header at the start of ``page``, of a file that is ``file_bytes`` long.

    Raises WireError, with the offset of the field that is wrong, for a foreign, unfinished, incompatible or damaged
    one.
    """
    if len(page) < PAGE_BYTES:
        raise WireError(len(page), f"the file ends within its header page of {PAGE_BYTES} bytes")
    values = SEGMENT_HEADER.unpack_from(page)
    _check_kind(values, file_bytes)
    header = _header(values)
    _check_sizes(header)
    _check_places(header)
    return header


def _check_kind(values: tuple[Any, ...], file_bytes: int) -> None:
    """Everything but the sizes and offsets."""
    magic, ready, major, _, incompatible, _, _, size, page_bytes, _, _, policy = values[:12]
    pid, _, _, _, clock, reserved = values[19:25]
    _require(magic == MAGIC, 0, "not a segment file")
    _require(ready == 1, 8, "its process has not finished making it")
    _require(major == ABI_MAJOR, 12, f"its format has major version {major}; this reader knows {ABI_MAJOR}")
    unknown = incompatible & ~KNOWN_INCOMPATIBLE_FEATURES
    _require(not unknown, 16, f"it uses features that this reader does not know: {unknown:#x}")
    _require(size == file_bytes, 48, f"it says {size} bytes; the file has {file_bytes}")
    _require(page_bytes == PAGE_BYTES, 56, f"a header page of {page_bytes} bytes")
    _require(policy < len(POLICIES), 68, f"no overflow policy has number {policy}")
    _require(0 < pid < 1 << 31, 128, f"{pid} is no process id")
    _require(max(values[-3], values[-1]) <= MAX_CLOCK_NS, 176, "its clocks show no time")
    _require(clock == CLOCK_MONOTONIC, 168, f"no clock has number {clock}")
    _require(reserved == 0, 172, "a reserved field is set")


def _header(values: tuple[Any, ...]) -> Header:
    _, _, _, minor, _, _, uuid, size, _, lanes, block = values[:11]
    policy: int = values[11]
    control, lane_controls, lane_data, first, other, definitions, definitions_bytes = values[12:19]
    pid, ticks, boot, namespace, _, _, *clocks = values[19:]
    return Header(
        abi_minor=minor,
        uuid=UUID(bytes=uuid),
        file_bytes=size,
        lanes=lanes,
        block_bytes=block,
        policy=POLICIES[policy],
        control_offset=control,
        lane_controls_offset=lane_controls,
        lane_data_offset=lane_data,
        first_lane_bytes=first,
        lane_bytes=other,
        definitions_offset=definitions,
        definitions_bytes=definitions_bytes,
        pid=pid,
        start_ticks=ticks,
        boot_id=UUID(bytes=boot),
        pid_namespace=namespace,
        clocks=Clocks(*clocks),
    )


def _check_sizes(header: Header) -> None:
    _require(0 < header.lanes <= MAX_LANES, 60, f"{header.lanes} lanes")
    block = header.block_bytes
    _require(
        _is_power_of_two(block) and MIN_BLOCK_BYTES <= block <= MAX_BLOCK_BYTES, 64, f"a block size of {block} bytes"
    )
    for offset, capacity in ((96, header.first_lane_bytes), (104, header.lane_bytes)):
        fits = _is_power_of_two(capacity) and 2 * block <= capacity <= MAX_LANE_BYTES
        _require(fits, offset, f"a lane of {capacity} bytes with blocks of {block}")
    size = header.definitions_bytes
    fits = size % PAGE_BYTES == 0 and PAGE_BYTES <= size <= MAX_DEFINITIONS_BYTES
    _require(fits, 120, f"definitions of {size} bytes")


def _check_places(header: Header) -> None:
    """The parts follow each other on page boundaries, so every offset follows from the sizes."""
    definitions = 2 * PAGE_BYTES + -(-header.lanes * LANE_CONTROL_BYTES // PAGE_BYTES) * PAGE_BYTES
    _require(header.control_offset == PAGE_BYTES, 72, f"a control page at {header.control_offset}")
    _require(header.lane_controls_offset == 2 * PAGE_BYTES, 80, f"lane controls at {header.lane_controls_offset}")
    _require(header.definitions_offset == definitions, 112, f"definitions at {header.definitions_offset}")
    _require(
        header.lane_data_offset == definitions + header.definitions_bytes, 88, f"lanes at {header.lane_data_offset}"
    )
    whole = header.lane_data(header.lanes)
    _require(header.file_bytes == whole, 48, f"its parts are {whole} bytes; it says {header.file_bytes}")


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _require(condition: bool, offset: int, reason: str) -> None:  # noqa: FBT001 - a check reads best as one line
    if not condition:
        raise WireError(offset, reason)
