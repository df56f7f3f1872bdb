"""What came after its request had been stored, added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..blocks import compress
from ..database import insert_all
from ..identity import identity, signed
from .faults import Sighting, count_fault
from .notes import read_notes
from .unstored import count, has_work, unstored

if TYPE_CHECKING:
    from ..batch import Summary
    from .journal import Journal
    from .notes import Noted
    from .slice import Slice

__all__ = ["append_late"]


def append_late(slice_: Slice, late: Summary, earlier: Noted, journal: Journal) -> bool:
    """Add ``late`` to its request, which ``slice_`` holds; False, and nothing done, if that has happened before.

    ``earlier`` is what was noted of it while it was thought to be open. What is stored already is left out. The caller
    holds the slice's transaction. What the error groups count goes to ``journal``.
    """
    request = identity(late.segment, late.key)
    fresh = late.blob
    for piece in slice_.records(request):  # one after the other: a request may be larger than memory
        fresh = unstored(fresh, piece)
    if late.blob and not fresh:
        return False
    if fresh != late.blob:
        late = _only(late, fresh)
    if not _insert(slice_, late):
        return False
    slice_.connection.execute(
        "UPDATE requests SET events = events + ?, spans = spans + ?, errors = errors + ?, lost = lost + ?,"
        " tracing_ns = tracing_ns + ?, end_ns = max(end_ns, ?), loop_wait_ns = loop_wait_ns + ?,"
        " thread_wait_ns = thread_wait_ns + ?, longest_step_ns = max(longest_step_ns, ?) WHERE request = ?",
        (
            *(late.events, late.spans, late.errors, late.lost, late.tracing_ns),
            late.end_ns if has_work(late.blob) else 0,
            *(late.loop_wait_ns, late.thread_wait_ns, late.longest_step_ns, request),
        ),
    )
    _index(slice_, late, earlier, journal)
    return True


def _only(late: Summary, records: bytes) -> Summary:
    """What is left of ``late`` when only ``records`` are new; what it lost was noted with the others."""
    counts = count(records)
    tracing_ns = late.tracing_ns * counts.events // max(late.events, 1)
    return late._replace(blob=records, lost=0, tracing_ns=tracing_ns, **counts._asdict())


def _insert(slice_: Slice, late: Summary) -> bool:
    """Store the records as a piece; one without any is told from others by its place alone."""
    request = identity(late.segment, late.key)
    insert = "INSERT OR IGNORE INTO pieces VALUES (?, ?, ?)"
    data = compress(late.blob)
    if slice_.connection.execute(insert, (request, signed(late.position), data)).rowcount:
        return True
    if not late.events:
        return False
    (lowest,) = slice_.connection.execute("SELECT min(position) FROM pieces WHERE request = ?", (request,)).fetchone()
    slice_.connection.execute(insert, (request, min(lowest, 0) - 1, data))
    return True


def _index(slice_: Slice, late: Summary, earlier: Noted, journal: Journal) -> None:
    request = identity(late.segment, late.key)
    noted = earlier.followed_by(read_notes(late.notes))
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
