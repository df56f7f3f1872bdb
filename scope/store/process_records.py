"""What a process wrote of no request, from the records of the wire to the rows that are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ..model import EventType
from ..wire import fields
from ..wire.decode import decode_records
from ..wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import Event

__all__ = ["BY_COLLECTOR", "ProcessRecord", "process_records"]

BY_COLLECTOR: Final = -1
"""The lane of what no process writes: the collector found it out."""

_LEFT_OVER: Final = 2
_MAX: Final = (1 << 62) - 1
_KINDS: Final = {EventType.OUTSIDE_STEP: "step", EventType.GC_PAUSE: "gc", EventType.SHUTDOWN: "shutdown"}
_LASTED: Final = {EventType.OUTSIDE_STEP: "ran_ns", EventType.GC_PAUSE: "lasted_ns"}


class ProcessRecord(NamedTuple):
    """One event of a process; ``lane`` and ``position`` tell it from every other, ``site`` names what ran.

    The rest is that of :class:`scope.model.ProcessEvent`.
    """

    lane: int
    position: int
    kind: str
    start_ns: int
    duration_ns: int = 0
    waited_ns: int = 0
    thread: str = ""
    site: int = 0
    generation: int = 0
    collected: int = 0
    left_over: int = 0


def process_records(rows: Iterable[tuple[int, int, bytes]], clock_offset_ns: int) -> Iterator[ProcessRecord]:
    """What the rows of ``Correlator.take_process()`` say; ``clock_offset_ns`` turns their times into Unix time.

    Rows that break the format, or are no such events, are left out; numbers beyond what can be stored are cut.
    """
    for lane, position, data in rows:
        try:
            events = list(decode_records(data))
        except WireError:
            continue
        if not events or events[-1].type not in _KINDS:
            continue
        thread = "".join(fields.text(event, "thread_name") for event in events if event.type is EventType.LANE)
        yield _record(lane, position, events[-1], thread, clock_offset_ns)


def _record(lane: int, position: int, event: Event, thread: str, offset_ns: int) -> ProcessRecord:
    lasted = _LASTED.get(event.type)
    duration_ns = min(fields.number(event, lasted), event.time_ns, _MAX) if lasted else 0
    return ProcessRecord(
        lane=lane,
        position=position,
        kind=_KINDS[event.type],
        start_ns=max(0, min(event.time_ns - duration_ns + offset_ns, _MAX)),
        duration_ns=duration_ns,
        waited_ns=min(fields.number(event, "waited_ns"), _MAX),
        thread=thread,
        site=event.site,
        generation=fields.number(event, "generation"),
        collected=min(fields.number(event, "collected"), _MAX),
        left_over=int(bool(fields.number(event, "flags") & _LEFT_OVER)),
    )
