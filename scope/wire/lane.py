"""One lane of a segment: its control lines, and the records that a copy of its ring still holds.

Positions count bytes from the lane's beginning and never wrap; a record lies in the ring at its position modulo the
capacity. Where records are overwritten, the writer announces in ``intent`` the end of the block that it enters, so what
lies below ``intent - capacity`` may be torn. Every record carries a stamp of its position; what fails a check is
passed over up to the next block, where records begin anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from ..model import EventType
from .decode import decode_records
from .errors import WireError
from .layout import (
    FIRST_EVENT_TYPE,
    FURTHEST,
    HEADER,
    LANE_HEAD,
    LANE_HEAD_OFFSET,
    LANE_LOSSES_OFFSET,
    LANE_OWNER,
    LANE_WAITERS,
    LANE_WAITERS_OFFSET,
    LANE_WRITER,
    LANE_WRITER_OFFSET,
    LOSSES,
    MAX_RECORD_WORDS,
    MINIMUM_BYTES,
    PREFIX,
    STAMP_MASK,
    WORD_BYTES,
    stamp,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import Event


class LaneState(IntEnum):
    """Whether a thread writes to a lane; the numbers are the wire's."""

    FREE = 0
    OWNED = 1
    RETIRED = 2


@dataclass(frozen=True, slots=True)
class LaneControl:
    """Who owns a lane and how far it is written (``tail``) and stored (``head``); ``losses`` are by reason.

    ``waiting``: its owner waits for ``head``.
    """

    state: LaneState
    generation: int
    thread_id: int
    tail: int
    intent: int
    sequence: int
    losses: tuple[int, ...]
    head: int
    waiting: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record and the position it had in its lane."""

    position: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LaneReading:
    """What a lane held: its records in order, the bytes overwritten before they were read, and places passed over."""

    records: tuple[Record, ...]
    lapped_bytes: int = 0
    damaged: int = 0

    def events(self) -> Iterator[Event]:
        """The records decoded. Raises WireError for a payload that is malformed."""
        for record in self.records:
            yield from decode_records(record.data)


def parse_lane_control(data: bytes) -> LaneControl:
    """The control that ``data`` begins with. Raises WireError for numbers that no writer leaves."""
    owner: int = LANE_OWNER.unpack_from(data)[0]
    tail, intent, sequence = LANE_WRITER.unpack_from(data, LANE_WRITER_OFFSET)
    head: int = LANE_HEAD.unpack_from(data, LANE_HEAD_OFFSET)[0]
    if owner & 0xFF > max(LaneState):
        raise WireError(0, f"no lane state has number {owner & 0xFF}")
    if tail % WORD_BYTES or head % WORD_BYTES or head > tail or tail > FURTHEST:
        raise WireError(LANE_WRITER_OFFSET, f"a lane that is written up to {tail} and stored up to {head}")
    return LaneControl(
        state=LaneState(owner & 0xFF),
        generation=owner >> 8 & 0xFFFFFF,
        thread_id=owner >> 32,
        tail=tail,
        intent=intent,
        sequence=sequence,
        losses=LOSSES.unpack_from(data, LANE_LOSSES_OFFSET),
        head=head,
        waiting=LANE_WAITERS.unpack_from(data, LANE_WAITERS_OFFSET)[0] != 0,
    )


def read_ring(ring: bytes, start: int, tail: int, block_bytes: int) -> LaneReading:
    """The records between the positions ``start`` and ``tail`` of ``ring``, a whole ring's bytes.

    Events of types that a newer writer has are among them, and events too short for their type: whole records, of which
    the decoder is to judge. Notes of unknown types are passed over.
    """
    records: list[Record] = []
    damaged = 0
    position = start
    while position < tail:
        next_block = position - position % block_bytes + block_bytes
        try:
            record = _record(ring, position, min(next_block, tail), at_block=position % block_bytes == 0)
        except WireError:
            damaged += 1
            position = next_block
            continue
        if record.data[0] == EventType.FILL:
            position = next_block
            continue
        if record.data[0] >= FIRST_EVENT_TYPE or record.data[0] in MINIMUM_BYTES:
            records.append(record)
        position += len(record.data)
    return LaneReading(tuple(records), damaged=damaged)


def _record(ring: bytes, position: int, limit: int, *, at_block: bool) -> Record:
    offset = position % len(ring)
    header: int = HEADER.unpack_from(ring, offset)[0]
    kind, size = header & 0xFF, (header >> 8 & MAX_RECORD_WORDS) * WORD_BYTES
    if header >> 24 & STAMP_MASK != stamp(position):
        raise WireError(position, "bytes of an earlier lap")
    if (kind == EventType.BLOCK) != at_block:
        raise WireError(position, "a block begins with a BLOCK record, and only a block does")
    if kind == EventType.BLOCK and size != MINIMUM_BYTES[kind]:
        raise WireError(position, f"a BLOCK record of {size} bytes")
    minimum = PREFIX.size if kind >= FIRST_EVENT_TYPE else MINIMUM_BYTES.get(kind, WORD_BYTES)
    if not kind or not minimum <= size <= limit - position:
        raise WireError(position, f"a record of type {kind:#04x} and {size} bytes, with {limit - position} left")
    return Record(position, ring[offset : offset + size])
