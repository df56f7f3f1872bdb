"""Traced processes in order, with who came in whose place; and the end of one in words."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from .format import format_ago, format_duration, format_time
from .lines import Piece, line
from .table import Column, table_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..store import Worker
    from .jsonout import JsonObject
    from .lines import Line, Role

__all__ = ["end_line", "replaced", "worker_lines", "worker_objects"]

_SOON_NS: Final = 60_000_000_000
"""A process that begins so soon after another of its service has ended is in its place."""

_ROLES: Final[Mapping[str, Role]] = {"running": "good", "ended": "dim", "died": "error", "gone": "warning"}

_COLUMNS: Final = (
    Column("pid", right=True),
    Column("service", flexible=True),
    Column("state"),
    Column("started"),
    Column("lived", right=True),
    Column("in place of", right=True),
    Column("loop held outside", right=True),
    Column("gc outside", right=True),
    Column("lost", right=True),
)


def replaced(workers: Sequence[Worker]) -> Mapping[Worker, Worker]:
    """Which process began in place of which: each of at most one that had ended shortly before, the latest first."""
    left = [each for each in workers if each.alive_ns is not None]
    found: dict[Worker, Worker] = {}
    for new in sorted(workers, key=lambda each: each.started_ns):
        before = [old for old in left if _is_followed_by(old, new)]
        if before:
            found[new] = max(before, key=lambda old: old.alive_ns or 0)
            left.remove(found[new])
    return found


def _is_followed_by(old: Worker, new: Worker) -> bool:
    if old.alive_ns is None or (old.service, old.host) != (new.service, new.host):
        return False
    return 0 <= new.started_ns - old.alive_ns < _SOON_NS


def worker_objects(workers: Sequence[Worker]) -> Iterator[JsonObject]:
    """Every field of each, and in ``replaces`` the pid of the one in whose place it began, or None."""
    before = replaced(workers)
    for each in workers:
        yield {**asdict(each), "replaces": before[each].pid if each in before else None}


def worker_lines(workers: Sequence[Worker], now_ns: int, width: int | None) -> Iterator[Line]:
    before = replaced(workers)
    return table_lines(_COLUMNS, [_row(each, before.get(each), now_ns) for each in workers], width)


def _row(worker: Worker, before: Worker | None, now_ns: int) -> Sequence[Piece]:
    until_ns = now_ns if worker.state == "running" else worker.alive_ns
    return (
        Piece(str(worker.pid), "strong"),
        Piece(worker.service),
        Piece(worker.state, _ROLES[worker.state]),
        Piece(format_ago(worker.started_ns, now_ns), "dim"),
        Piece(format_duration(until_ns - worker.started_ns) if until_ns else "", "number"),
        Piece(str(before.pid) if before else "", "dim"),
        Piece(format_duration(worker.outside_ns) if worker.outside else "", "number"),
        Piece(format_duration(worker.gc_ns) if worker.gc else "", "number"),
        Piece(str(worker.lost) if worker.lost else "", "warning"),
    )


def end_line(worker: Worker) -> Line:
    """When and how it ended; empty where it has not, or nobody knows when."""
    if worker.alive_ns is None or worker.ended_ns is None:
        return ()
    how = "died" if worker.state == "died" else "ended as it had said it would"
    within = f"within {format_duration(worker.ended_ns - worker.alive_ns)} after"
    lived = format_duration(worker.alive_ns - worker.started_ns)
    text = f"process {worker.pid} {how} {within} {format_time(worker.alive_ns)}, when it had lived for {lived}"
    return line(Piece(text, "warning"))
