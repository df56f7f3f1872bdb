"""Which records of a request are not stored yet.

A collector that was killed while it stored reads the rings again from where its last whole round began, so a request
that is stored may come again, with what it wrote since. A record is known by its bytes: its time and its place in the
ring, which are in them, make it unlike any other of the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ...model import EventType
from ...wire.decode import record_end
from ...wire.errors import WireError
from ...wire.layout import FIRST_EVENT_TYPE, LOOP_STEP, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Counts", "count", "has_work", "unstored"]

_REPEATED: Final = 2
_IN_THREAD: Final = 1
_FEW: Final = 4
"""Parts that are sooner searched for than compared one by one with what may be long."""
_NO_WORK: Final = frozenset({EventType.LANE, EventType.ASYNC_TASK_END})
_SPANS: Final = frozenset({EventType.REQUEST_BEGIN, EventType.SPAN_BEGIN, EventType.FUNCTION_ENTER})


class Counts(NamedTuple):
    """What lists show of records: events, spans that begin, exceptions that were not recorded before; and of steps."""

    events: int
    spans: int
    errors: int
    loop_wait_ns: int
    thread_wait_ns: int
    longest_step_ns: int


def unstored(records: bytes, stored: bytes) -> bytes:
    """``records`` as they are where none of their events is among ``stored``; else only the events that are not.

    Each run of a lane keeps its LANE record. Records that break the format are known as a whole.
    """
    try:
        parts = list(_split(records))
        known = stored if len(parts) <= _FEW else set(_split(stored))
    except WireError:
        return b"" if records in stored else records
    fresh = [part for part in parts if _is_event(part) and part not in known]
    if len(fresh) == sum(map(_is_event, parts)):
        return records
    return b"".join(_with_lanes(parts, set(fresh)))


def count(records: bytes) -> Counts:
    """The events of sound ``records``, counted as the correlator counts them.

    Only where several tasks waited for their loop at once does that moment count more than once here.
    """
    events = [part for part in _split(records) if _is_event(part)]
    spans = sum(part[0] in _SPANS for part in events)
    errors = sum(part[0] == EventType.EXCEPTION and not part[PREFIX.size] & _REPEATED for part in events)
    steps = [LOOP_STEP.unpack_from(part, PREFIX.size) for part in events if part[0] == EventType.LOOP_STEP]
    in_loop = [(waited_ns, ran_ns) for waited_ns, ran_ns, flags, _ in steps if not flags & _IN_THREAD]
    loop_wait_ns = sum(waited_ns for waited_ns, _ in in_loop)
    thread_wait_ns = sum(waited_ns for waited_ns, *_ in steps) - loop_wait_ns
    longest_ns = max((ran_ns for _, ran_ns in in_loop), default=0)
    return Counts(len(events), spans, errors, loop_wait_ns, thread_wait_ns, longest_ns)


def has_work(records: bytes) -> bool:
    """Whether they tell more than that tasks ended, for which a request does not wait; also where they are damaged."""
    try:
        return any(part[0] not in _NO_WORK for part in _split(records))
    except WireError:
        return True


def _with_lanes(parts: list[bytes], kept: set[bytes]) -> Iterator[bytes]:
    lane = b""
    for part in parts:
        if part[0] == EventType.LANE:
            lane = part
        elif part in kept:
            yield lane + part
            lane = b""


def _split(records: bytes) -> Iterator[bytes]:
    offset = 0
    while offset < len(records):
        end = record_end(records, offset, len(records))
        yield records[offset:end]
        offset = end


def _is_event(record: bytes) -> bool:
    return record[0] >= FIRST_EVENT_TYPE
