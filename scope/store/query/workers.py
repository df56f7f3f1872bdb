"""Traced processes: when they began, whether and how they ended, what held their loops outside requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ...model import RequestSummary
    from .archive import Database

__all__ = ["Worker", "read_workers", "worker_of"]

_SHUTTING_DOWN_NS: Final = 60_000_000_000
"""A process that said that it is about to end, and lived on for longer, did not end because of that."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A traced process; times are Unix nanoseconds.

    ``state``: "running", as far as the collector knows; "ended" after it said so; "died" without a word; "gone", which
    is all that is known where no collector saw the end. It ended between ``alive_ns`` and ``ended_ns``, both None while
    it runs or where that is not known. ``outside_ns`` its event loops spent in ``outside`` long steps of no request,
    ``gc_ns`` garbage collection took in ``gc`` pauses outside requests. ``lost`` counts events that did not arrive.
    """

    pid: int
    service: str
    host: str
    started_ns: int
    state: str
    alive_ns: int | None
    ended_ns: int | None
    outside: int
    outside_ns: int
    gc: int
    gc_ns: int
    lost: int


_EVENTS: Final = (
    "SELECT segment, kind, count(*), min(start_ns), max(start_ns), sum(duration_ns) FROM process_events"
    " WHERE segment IN ({}) GROUP BY segment, kind"
)
_SEGMENTS: Final = (
    "SELECT number, pid, service, host, segments.started_ns, ended,"
    " (SELECT coalesce(sum(events), 0) FROM losses WHERE segment = number)"
    " FROM segments {} ORDER BY started_ns DESC, number DESC LIMIT ?"
)


def read_workers(main: Database, limit: int) -> list[Worker]:
    """The traced processes of which anything is kept, those first that were traced last."""
    return _workers(main, main.rows(_SEGMENTS.format(""), (limit,)))


def worker_of(main: Database, request: RequestSummary) -> Worker | None:
    """The process that served ``request``; None where it is forgotten."""
    which = "WHERE pid = ? AND service = ? AND segments.started_ns <= ?"
    rows = main.rows(_SEGMENTS.format(which), (request.pid, request.service, request.start_ns, 1))
    return next(iter(_workers(main, rows)), None)


def _workers(main: Database, segments: list[tuple[Any, ...]]) -> list[Worker]:
    events: dict[int, dict[str, tuple[int, ...]]] = {}
    for segment, kind, *sums in main.rows(_EVENTS.format(", ".join(str(row[0]) for row in segments))):
        events.setdefault(segment, {})[kind] = tuple(sums)
    return [_worker(row, events.get(row[0], {})) for row in segments]


def _worker(segment: tuple[Any, ...], events: dict[str, tuple[int, ...]]) -> Worker:
    _, pid, service, host, traced_ns, ended, lost = segment
    nothing = (0, 0, 0, 0)
    steps, pauses, gone = events.get("step", nothing), events.get("gc", nothing), events.get("exit")
    return Worker(
        pid=pid,
        service=service,
        host=host,
        started_ns=events["start"][1] if "start" in events else traced_ns,
        state=_state(ended=bool(ended), gone=gone, goodbye=events.get("shutdown")),
        alive_ns=gone[1] if gone else None,
        ended_ns=gone[1] + gone[3] if gone else None,
        outside=steps[0],
        outside_ns=steps[3],
        gc=pauses[0],
        gc_ns=pauses[3],
        lost=lost,
    )


def _state(*, ended: bool, gone: tuple[int, ...] | None, goodbye: tuple[int, ...] | None) -> str:
    if gone:
        return "ended" if goodbye and gone[1] - goodbye[2] < _SHUTTING_DOWN_NS else "died"
    return "gone" if ended else "running"
