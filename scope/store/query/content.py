"""What one request consists of: found again by its summary, read and decoded."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from ...model import Definition, DefinitionKind, EventType
from ...wire.decode import decode_records
from ...wire.definitions import decode_definition
from ...wire.errors import WireError
from ..assemble import assemble
from ..blocks import OpenBlock, decompress
from ..errors import NotFound
from ..identity import segment_of, signed
from .rows import SELECT, summary

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from ...model import Event, RequestSummary, Trace
    from .archive import Archive, Database

__all__ = ["Content"]

_UNKNOWN: Final = Definition(DefinitionKind.NAME, "")


class _Place(NamedTuple):
    """Where a request is stored: in a slice, or in main.db while it is open."""

    database: Database
    request: int
    is_slice: bool


class Content:
    """Reads requests whole; definitions are decoded once for each segment of a slice."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def trace(self, request: RequestSummary, limit: int | None = None) -> Trace:
        place = self._locate(request)
        now = summary(place.database.rows(f"{SELECT} WHERE requests.request = ?", (place.request,))[0])
        with closing(_events(place)) as events:
            offset_ns = _clock_offset(now, events)
        return assemble(now, _events(place), _definitions(place), offset_ns, limit)

    def blob(self, request: RequestSummary) -> bytes:
        return b"".join(_records(self._locate(request)))

    def definitions(self, request: RequestSummary) -> Sequence[Definition]:
        return _definitions(self._locate(request))

    def _locate(self, request: RequestSummary) -> _Place:
        """A request listed as open may have ended since: then it is in its slice."""
        span_id = signed(int(request.span_id, 16))
        found = self._archive.main.row("SELECT request FROM requests WHERE span_id = ?", (span_id,))
        stored = self._locate_stored(request.start_ns, span_id)
        if stored:
            return stored
        if found:
            return _Place(self._archive.main, found[0], is_slice=False)
        raise NotFound(f"request {request.id} is no longer stored: raise store.retention_bytes to keep more")

    def _locate_stored(self, start_ns: int, span_id: int) -> _Place | None:
        """In the slice of its time; else, as a clock was wrong or a slice is gone, in any other."""
        slices = self._archive.slices()
        for bounds in sorted(slices, key=lambda bounds: not bounds.start_ns <= start_ns < bounds.end_ns):
            database = self._archive.slice(bounds.start_ns)
            sql = "SELECT request FROM requests WHERE start_ns = ? AND span_id = ?"
            found = database.row(sql, (start_ns, span_id)) if database else None
            if database and found:
                return _Place(database, found[0], is_slice=True)
        return None


def _records(place: _Place) -> Generator[bytes]:
    """The records as they were stored, piece by piece: a request may be larger than memory."""
    order = "rowid" if place.is_slice else "batch"
    if place.is_slice:
        row = place.database.rows(
            "SELECT blocks.requests, sizes, data FROM requests JOIN blocks USING (block) WHERE request = ?",
            (place.request,),
        )[0]
        yield OpenBlock(*row).records(place.request)
    sql = f"SELECT data FROM pieces WHERE request = ? ORDER BY {order}"
    for (data,) in place.database.each(sql, (place.request,)):
        yield decompress(data) if place.is_slice else data


def _definitions(place: _Place) -> list[Definition]:
    sql = "SELECT entry FROM definitions WHERE segment = ? ORDER BY number"
    return [_decoded(entry) for (entry,) in place.database.rows(sql, (segment_of(place.request),))]


def _decoded(entry: bytes) -> Definition:
    """An entry that breaks the format keeps its number and has no name."""
    try:
        return decode_definition(entry)
    except WireError:
        return _UNKNOWN


def _events(place: _Place) -> Generator[Event]:
    """The events up to where the format is broken, which is nowhere unless the writing process was."""
    with closing(_records(place)) as pieces:
        try:
            for records in pieces:
                yield from decode_records(records)
        except WireError:
            return


def _clock_offset(request: RequestSummary, events: Iterable[Event]) -> int:
    """What the realtime clock was ahead of the monotonic one, by the start that both tell of."""
    earliest = 0
    for event in events:
        if event.type is EventType.REQUEST_BEGIN:
            return request.start_ns - event.time_ns
        if event.type >= EventType.REQUEST_BEGIN:
            earliest = min(earliest or event.time_ns, event.time_ns)
    return request.start_ns - earliest
