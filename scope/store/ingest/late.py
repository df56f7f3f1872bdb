"""What came after its request had been stored, added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model import EventType
from ...wire.decode import record_end
from ...wire.errors import WireError
from ..blocks import compress
from ..database import insert_all
from ..identity import identity, signed
from .faults import Sighting, count_fault
from .notes import read_notes

if TYPE_CHECKING:
    from ..batch import Summary
    from .journal import Journal
    from .slice import Slice

__all__ = ["append_late"]


def append_late(slice_: Slice, late: Summary, journal: Journal) -> bool:
    """Add ``late`` to its request, which ``slice_`` holds; False, and nothing done, if that has happened before.

    The caller holds the slice's transaction. What the error groups count goes to ``journal``.
    """
    request = identity(late.segment, late.key)
    if late.blob and _first_record(late.blob) in b"".join(slice_.records(request)):
        return False
    piece = (request, signed(late.position), compress(late.blob))
    if not slice_.connection.execute("INSERT OR IGNORE INTO pieces VALUES (?, ?, ?)", piece).rowcount:
        return False
    slice_.connection.execute(
        "UPDATE requests SET events = events + ?, spans = spans + ?, errors = errors + ?, lost = lost + ?,"
        " end_ns = max(end_ns, ?) WHERE request = ?",
        (late.events, late.spans, late.errors, late.lost, late.end_ns, request),
    )
    _index(slice_, late, request, journal)
    return True


def _first_record(blob: bytes) -> bytes:
    """The first record that is an event; its time and its place in the ring make it unlike any other of the request."""
    start = 0
    try:
        while start < len(blob):
            end = record_end(blob, start, len(blob))
            if blob[start] not in {EventType.LANE, EventType.GAP}:
                return blob[start:end]
            start = end
    except WireError:
        pass
    return blob


def _index(slice_: Slice, late: Summary, request: int, journal: Journal) -> None:
    noted = read_notes(late.notes)
    insert_all(
        slice_.connection,
        "attributes",
        4,
        ((request, *attribute) for attribute in noted.attributes),
        instead="INSERT OR IGNORE",
    )
    route, start_ns, exemplar = slice_.connection.execute(
        "SELECT route, start_ns, coalesce(requests.id, lower(hex(trace_id))) FROM requests"
        " JOIN shapes ON shapes.id = shape WHERE request = ?",
        (request,),
    ).fetchone()
    for fingerprint, fault in noted.by_fingerprint(route).items():
        insert = "INSERT OR IGNORE INTO exceptions VALUES (?, ?)"
        if slice_.connection.execute(insert, (fingerprint, request)).rowcount:
            count_fault(fingerprint, fault, Sighting(route, start_ns, late.end_ns, exemplar), journal)
