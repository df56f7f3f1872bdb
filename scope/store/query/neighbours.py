"""Requests that a process served at the same time as another."""

from __future__ import annotations

from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from .rows import SELECT, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model import RequestSummary
    from .archive import Archive, Database

__all__ = ["Sort", "neighbours"]

_EARLIER_NS: Final = 600_000_000_000
"""How long before it a neighbour may have begun: what bounds the search."""

_SQL: Final = (
    f"{SELECT} WHERE segments.pid = ? AND segments.service = ? AND requests.start_ns >= ? AND requests.start_ns < ?"
    " AND requests.end_ns > ? AND requests.{0} > 0 ORDER BY requests.{0} DESC LIMIT ?"
)


class Sort(Enum):
    """Which requests come first; such as have nothing of the kind are left out."""

    HELD_LOOP = "longest_step_ns"
    WAITED_FOR_LOOP = "loop_wait_ns"


def neighbours(archive: Archive, request: RequestSummary, limit: int, sort: Sort) -> list[RequestSummary]:
    """At most ``limit`` requests that ran while ``request`` did and began in the ten minutes before; by ``sort``."""
    end_ns = request.start_ns + request.duration_ns + request.background_ns
    values = (request.pid, request.service, request.start_ns - _EARLIER_NS, end_ns, request.start_ns, limit + 1)
    found: dict[tuple[str, int], RequestSummary] = {}
    for database in _files(archive, request.start_ns - _EARLIER_NS, end_ns):
        for row in database.rows(_SQL.format(sort.value), values):
            other = summary(row)
            found.setdefault((other.span_id, other.start_ns), other)
    found.pop((request.span_id, request.start_ns), None)
    return sorted(found.values(), key=attrgetter(sort.value), reverse=True)[:limit]


def _files(archive: Archive, first_ns: int, last_ns: int) -> Iterator[Database]:
    """Those that can hold requests that began between the two."""
    for bounds in archive.slices():
        if bounds.start_ns < last_ns and bounds.end_ns > first_ns:
            database = archive.slice(bounds.start_ns)
            if database is not None:
                yield database
    yield archive.main
