"""Requests that have not ended: their rows and what they have written so far, in main.db."""

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING, Any, Final

from ...model import Outcome, RequestKind, RequestState
from ..batch import Columns, Summary
from ..blocks import BLOCK_BYTES
from ..database import transaction
from ..identity import identity, key_of, segment_of, signed, unsigned
from .faults import count_faults, exception_rows
from .notes import NOTHING, Noted
from .prepared import identities, prepare
from .shapes import Shapes
from .unstored import count

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from .journal import Journal
    from .looks import Looks

__all__ = ["OpenRequests"]

_CUT_OFF: Final = (
    "SELECT request, trace_id, span_id, remote_parent, requests.id, path, start_ns, first_byte_ns, duration_ns, end_ns,"
    " spans, events, errors, lost, tracing_ns, bytes_in, bytes_out, messages_in, messages_out, loop_wait_ns,"
    " thread_wait_ns, longest_step_ns, kind, flags, method, route, status"
    " FROM requests JOIN shapes ON shapes.id = shape WHERE request BETWEEN ? AND ? ORDER BY request"
)
_MAX_SHAPES: Final = 4096
_AT_A_TIME: Final = 500
_KINDS: Final = {kind.name.lower(): int(kind) for kind in RequestKind}


class OpenRequests:
    """The open requests that main.db knows, each with what was noted of it so far."""

    def __init__(self, main: sqlite3.Connection) -> None:
        self._main = main
        self._shapes = Shapes(main)
        self._noted = _load_noted(main)
        self._with_notes = {request for request, noted in self._noted.items() if noted != NOTHING}

    def __iter__(self) -> Iterator[int]:
        return iter(self._noted)

    def noted(self, requests: Iterable[int]) -> dict[int, Noted]:
        """What was noted of those of ``requests`` that are open; those without anything are left out."""
        return {request: self._noted[request] for request in self._with_notes.intersection(requests)}

    def records(self, requests: Iterable[int]) -> dict[int, list[bytes]]:
        """The pieces of each of ``requests`` in the order in which they came."""
        pieces: dict[int, list[bytes]] = {}
        wanted = sorted(self._noted.keys() & set(requests))
        for start in range(0, len(wanted), _AT_A_TIME):
            part = wanted[start : start + _AT_A_TIME]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT request, data FROM pieces WHERE request IN ({marks}) ORDER BY request, batch"
            for request, data in self._main.execute(sql, part):
                pieces.setdefault(request, []).append(data)
        return pieces

    def parts(self, request: int, last: tuple[int, bytes]) -> Iterator[tuple[int, bytes]]:
        """All records of ``request``, ``last`` being the final ones, in at least one part, none larger than need be.

        Each comes with the ring position of its first record, as ``last`` does. They are read as they are asked for.
        """
        sql = "SELECT position FROM pieces WHERE request = ? ORDER BY batch"
        places = self._main.execute(sql, (request,)).fetchall()
        pieces = ((place, self._piece(request, place)) for (place,) in places)
        first, part = last[0], bytearray()
        for place, data in chain(pieces, (last,)):
            if data and len(part) >= BLOCK_BYTES:
                yield first, bytes(part)
                part.clear()
            first = first if part else place
            part += data
        yield first, bytes(part)

    def _piece(self, request: int, position: int) -> bytes:
        sql = "SELECT data FROM pieces WHERE request = ? AND position = ?"
        data: bytes = self._main.execute(sql, (request, position)).fetchone()[0]
        return data

    def record(self, rows: Sequence[tuple[Any, ...]], looks: Looks, batch: int, journal: Journal) -> None:
        """Add to ``journal`` what ``rows``, in ``batch`` the state of open requests, change.

        Of those whose beginning was not read yet the records are kept, and no row for lists to show.
        """
        if not rows:
            return
        columns = Columns.of(rows)
        requests = identities(columns)
        prepared = prepare(columns, requests, looks, self.noted(requests))
        shapes = [self._shapes[look] for look in prepared.looks]
        journal.add("shape", self._shapes.rows)
        journal.add("span_name", self._shapes.names)
        self._shapes.stored()
        journal.add("open", compress(prepared.rows(shapes, [None] * len(rows)), columns.kind))
        journal.add("attribute", prepared.attribute_rows())
        journal.add("exception", exception_rows(prepared))
        count_faults(prepared, journal)
        pieces = zip(requests, columns.position, columns.blob, strict=True)
        journal.add("piece", ((request, signed(place), batch, blob) for request, place, blob in pieces if blob))
        for request in requests:
            self._noted.setdefault(request, NOTHING)
        for index in prepared.noted:
            self._noted[requests[index]] = prepared.stored(index)
            self._with_notes.add(requests[index])

    def close(self, requests: set[int], journal: Journal) -> None:
        """Add to ``journal`` that ``requests`` are no longer open."""
        closed = sorted(self._noted.keys() & requests)
        journal.add("closed", [(request,) for request in closed])
        journal.add("unnoted", [(request,) for request in sorted(self._with_notes & requests)])
        self._with_notes -= requests
        for request in closed:
            del self._noted[request]

    def cut_off(self, segment: int, started_ns: int) -> list[Summary]:
        """The open requests of ``segment`` as finished ones, aborted at their last event; nobody else knows them.

        Those without a beginning are given as what comes late, at ``started_ns`` where they belong to none.
        """
        bounds = _bounds(segment)
        rows = self._main.execute(_CUT_OFF, bounds).fetchall()
        for request, *_ in rows:
            self._noted[request] = _read_noted(self._main, request)
            self._with_notes.add(request)
        known = {request for request, *_ in rows}
        headless = [each for each in self._noted if segment_of(each) == segment and each not in known]
        records = self.records(headless)
        return [
            *(_aborted(row) for row in rows),
            *(_cut_loose(request, b"".join(pieces), started_ns) for request, pieces in sorted(records.items())),
        ]

    def prune_shapes(self) -> None:
        """Drop the shapes that no open request has, once there are many of them."""
        count: int = self._main.execute("SELECT count(*) FROM shapes").fetchone()[0]
        if count <= _MAX_SHAPES:
            return
        with transaction(self._main):
            self._main.execute("DELETE FROM shapes WHERE id NOT IN (SELECT shape FROM requests)")
            self._main.execute("DELETE FROM span_names WHERE shape NOT IN (SELECT id FROM shapes)")
        self._shapes = Shapes(self._main)


def _bounds(segment: int) -> tuple[int, int]:
    """The lowest and the highest number that a request of ``segment`` can have."""
    return identity(segment, 0), identity(segment + 1, 0) - 1


def _load_noted(main: sqlite3.Connection) -> dict[int, Noted]:
    requests = main.execute("SELECT request FROM requests UNION SELECT request FROM pieces").fetchall()
    return {request: _read_noted(main, request) for (request,) in requests}


def _read_noted(main: sqlite3.Connection, request: int) -> Noted:
    attributes = main.execute("SELECT key, text, number FROM attributes WHERE request = ?", (request,))
    names = main.execute("SELECT name FROM requests JOIN span_names USING (shape) WHERE request = ?", (request,))
    faults = main.execute(
        "SELECT fingerprint, type FROM exceptions JOIN faults USING (fingerprint) WHERE request = ? ORDER BY last_ns",
        (request,),
    ).fetchall()
    return Noted(
        attributes=tuple(attributes.fetchall()),
        names=tuple(name for (name,) in names.fetchall()),
        fingerprints=frozenset(fingerprint for fingerprint, _ in faults),
        earlier_error=faults[-1][1] if faults else None,
    )


def _cut_loose(request: int, records: bytes, started_ns: int) -> Summary:
    """What is known of a request without a beginning; its records are in its pieces."""
    counts = count(records)
    times = (started_ns, 0, 0, started_ns)
    nothing = (0,) * 12
    whole = _aborted((request, bytes(16), 0, 0, None, "", *times, *nothing, "", 0, "", None, None))
    return whole._replace(late=1, **counts._asdict())


def _aborted(row: tuple[Any, ...]) -> Summary:
    request, trace_id, span_id, remote_parent, id_, path, start_ns, first_byte_ns, duration_ns, end_ns, *rest = row
    spans, events, errors, lost, tracing_ns, bytes_in, bytes_out, messages_in, messages_out, *rest = rest
    loop_wait_ns, thread_wait_ns, longest_step_ns, kind, flags, method, route, status = rest
    return Summary(
        segment=segment_of(request),
        key=key_of(request),
        state=RequestState.ABORTED,
        kind=_KINDS.get(kind, 0),
        flags=flags,
        trace_id=trace_id,
        span_id=unsigned(span_id),
        remote_parent=unsigned(remote_parent),
        method=method,
        path=path,
        id=id_,
        route=0,
        route_text=route,
        status=status or 0,
        start_ns=start_ns,
        first_byte_ns=first_byte_ns,
        response_end_ns=start_ns + duration_ns if start_ns + duration_ns < end_ns else 0,
        end_ns=end_ns,
        outcome=Outcome.OK,
        events=events,
        spans=spans,
        errors=errors,
        lost=lost,
        complete=0,
        tracing_ns=tracing_ns,
        bytes_in=bytes_in,
        bytes_out=bytes_out,
        messages_in=messages_in,
        messages_out=messages_out,
        loop_wait_ns=loop_wait_ns,
        thread_wait_ns=thread_wait_ns,
        longest_step_ns=longest_step_ns,
        sites=(),
        notes=(),
        blob=b"",
        pieces=1,
        position=0,
        late=0,
    )
