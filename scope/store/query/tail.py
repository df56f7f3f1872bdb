"""Requests in the order in which they were stored: the blocks tell, whose numbers grow over all slices."""

from __future__ import annotations

from struct import unpack
from typing import TYPE_CHECKING, Any, Final

from .cursor import Cursor
from .rows import SELECT, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...model import RequestSummary
    from .archive import Archive, Database, SliceBounds

__all__ = ["read_tail", "stored_until"]

_ENOUGH: Final = 1000
_AT_A_TIME: Final = 500


def stored_until(archive: Archive) -> Cursor:
    """The place after everything that is stored now."""
    return Cursor(archive.main.rows("SELECT block FROM progress")[0][0])


def read_tail(archive: Archive, after: Cursor) -> tuple[list[RequestSummary], Cursor]:
    """What was stored after ``after``, in whole blocks up to some 1,000 requests, by their end; and the place after it.

    main.db is asked first how far to read: what a slice has beyond that may not be all that there is.
    """
    until = stored_until(archive)
    found: list[RequestSummary] = []
    for block, bounds in _blocks(archive, after.value, until.value):
        found += _requests(archive.slice(bounds.start_ns), block)
        if len(found) >= _ENOUGH:
            until = Cursor(block)
            break
    return sorted(found, key=_end_ns), max(until, after)


def _blocks(archive: Archive, after: int, until: int) -> list[tuple[int, SliceBounds]]:
    """The first blocks after ``after``, each with its slice, in the order of storing."""
    found: list[tuple[int, SliceBounds]] = []
    for bounds in archive.slices():
        database = archive.slice(bounds.start_ns) if bounds.block > after else None
        if database:
            sql = "SELECT block FROM blocks WHERE block > ? AND block <= ? ORDER BY block LIMIT ?"
            found += ((block, bounds) for (block,) in database.rows(sql, (after, until, _ENOUGH)))
    return sorted(found)[:_ENOUGH]


def _requests(database: Database | None, block: int) -> list[RequestSummary]:
    row = database.row("SELECT requests FROM blocks WHERE block = ?", (block,)) if database else None
    if database is None or row is None:
        return []
    numbers = unpack(f"<{len(row[0]) // 8}q", row[0])
    parts = [numbers[start : start + _AT_A_TIME] for start in range(0, len(numbers), _AT_A_TIME)]
    return [summary(row) for part in parts for row in _rows(database, part)]


def _rows(database: Database, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
    return database.rows(f"{SELECT} WHERE requests.request IN ({', '.join('?' * len(numbers))})", numbers)


def _end_ns(request: RequestSummary) -> int:
    return request.start_ns + request.duration_ns + request.background_ns
