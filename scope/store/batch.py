"""What the collector hands over, and what it gets back after a restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from .._core import transpose
from .process_records import ProcessRecord

__all__ = ["Batch", "Columns", "OpenRequest", "Restored", "SegmentInfo", "Summary"]


_Entries = tuple[int, Sequence[bytes]]


class Summary(NamedTuple):
    """One request as the correlator hands it over; the order is that of ``_core.SUMMARY_FIELDS``.

    Times are Unix nanoseconds and, like numbers, 0 for none. ``notes`` are raw records worth indexing, ``blob`` the
    records since the last piece, ``pieces`` the number of pieces handed over before. ``position`` tells the piece from
    every other of the request. ``late`` marks what came after the request had been handed over as finished.
    """

    segment: int
    key: int
    state: int
    kind: int
    flags: int
    trace_id: bytes
    span_id: int
    remote_parent: int
    method: str
    path: str
    id: str | None
    route: int
    route_text: str | None
    status: int
    start_ns: int
    first_byte_ns: int
    response_end_ns: int
    end_ns: int
    outcome: int
    events: int
    spans: int
    errors: int
    lost: int
    complete: int
    tracing_ns: int
    bytes_in: int
    bytes_out: int
    messages_in: int
    messages_out: int
    loop_wait_ns: int
    thread_wait_ns: int
    longest_step_ns: int
    sites: tuple[int, ...]
    notes: tuple[bytes, ...]
    blob: bytes
    pieces: int
    position: int
    late: int


class Columns(NamedTuple):
    """Many summaries, field by field: a pass of C over a column costs a tenth of what one of Python over rows does."""

    segment: Sequence[int]
    key: Sequence[int]
    state: Sequence[int]
    kind: Sequence[int]
    flags: Sequence[int]
    trace_id: Sequence[bytes]
    span_id: Sequence[int]
    remote_parent: Sequence[int]
    method: Sequence[str]
    path: Sequence[str]
    id: Sequence[str | None]
    route: Sequence[int]
    route_text: Sequence[str | None]
    status: Sequence[int]
    start_ns: Sequence[int]
    first_byte_ns: Sequence[int]
    response_end_ns: Sequence[int]
    end_ns: Sequence[int]
    outcome: Sequence[int]
    events: Sequence[int]
    spans: Sequence[int]
    errors: Sequence[int]
    lost: Sequence[int]
    complete: Sequence[int]
    tracing_ns: Sequence[int]
    bytes_in: Sequence[int]
    bytes_out: Sequence[int]
    messages_in: Sequence[int]
    messages_out: Sequence[int]
    loop_wait_ns: Sequence[int]
    thread_wait_ns: Sequence[int]
    longest_step_ns: Sequence[int]
    sites: Sequence[tuple[int, ...]]
    notes: Sequence[tuple[bytes, ...]]
    blob: Sequence[bytes]
    pieces: Sequence[int]
    position: Sequence[int]
    late: Sequence[int]

    @classmethod
    def of(cls, rows: Sequence[tuple[Any, ...]]) -> Columns:
        """The columns of at least one row. Raises ValueError for rows that are no summaries by their length."""
        width = len(rows[0])
        if width != len(cls._fields):
            raise ValueError(f"a summary has {len(cls._fields)} fields, not {width}")
        return cls(*transpose(rows, width))


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A traced process: ``uuid`` is its segment's, ``started_ns`` Unix time."""

    uuid: str
    pid: int
    service: str = ""
    host: str = ""
    started_ns: int = 0


LaneLoss: TypeAlias = tuple[int, str, int]
"""Lane (-1: none could count it), reason, events in all."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one commit stores, whole or not at all; keys of the mappings are numbers of registered segments.

    ``definitions``: the number of the first entry, and raw entries from there on. ``heads``: per lane, up to which ring
    position everything is in this batch or an earlier one. ``losses``: totals by reason, not increments.
    ``lane_losses``: the same by lane, as far as requests were told of it. ``process``: what happened outside requests.
    """

    finished: Sequence[tuple[Any, ...]] = ()
    open: Sequence[tuple[Any, ...]] = ()
    definitions: Mapping[int, tuple[int, Sequence[bytes]]] = field(
        default_factory=dict[int, tuple[int, Sequence[bytes]]]
    )
    heads: Mapping[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])
    losses: Mapping[int, Mapping[str, int]] = field(default_factory=dict[int, Mapping[str, int]])
    lane_losses: Mapping[int, Sequence[LaneLoss]] = field(default_factory=dict[int, Sequence[LaneLoss]])
    process: Mapping[int, Sequence[ProcessRecord]] = field(default_factory=dict[int, Sequence[ProcessRecord]])


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that was open at the last commit: ``pieces`` are its records, in the order they were handed over."""

    segment: str
    key: int
    pieces: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """Where a collector takes up again; keys are uuids of segments, ``definitions`` counts the entries stored."""

    open: tuple[OpenRequest, ...]
    heads: Mapping[str, tuple[int, ...]]
    definitions: Mapping[str, int]
    lane_losses: Mapping[str, Sequence[LaneLoss]] = field(default_factory=dict[str, Sequence[LaneLoss]])
