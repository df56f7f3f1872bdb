"""Error groups: exceptions counted by fingerprint, a request once for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .rollup import MINUTE_NS

if TYPE_CHECKING:
    from ..database import Row
    from .journal import Journal
    from .notes import Fault
    from .prepared import Prepared

__all__ = ["Sighting", "count_fault", "count_faults", "exception_rows"]


class Sighting(NamedTuple):
    """Where an exception was seen: the request's route, start, last event, and id for people."""

    route: str | None
    start_ns: int
    end_ns: int
    exemplar: str


def exception_rows(prepared: Prepared) -> list[Row]:
    """Rows of (fingerprint, request) for every exception recorded, also those counted while the request was open."""
    return [
        (fingerprint, prepared.requests[index])
        for index, noted in prepared.noted.items()
        for fingerprint in sorted(prepared.fingerprints(index) | noted.fingerprints)
    ]


def count_faults(prepared: Prepared, journal: Journal) -> None:
    """Add to ``journal`` what was not counted before."""
    for index, noted in prepared.noted.items():
        sighting = _sighting(prepared, index)
        fresh = noted.by_fingerprint(sighting.route)
        for fingerprint in fresh.keys() - noted.fingerprints:
            count_fault(fingerprint, fresh[fingerprint], sighting, journal)


def count_fault(fingerprint: str, fault: Fault, seen: Sighting, journal: Journal) -> None:
    what = (fault.type, fault.file, fault.function, fault.line, seen.route, fault.message)
    journal.add("fault", [(fingerprint, *what, seen.end_ns, seen.end_ns, seen.exemplar)])
    journal.add("fault_minute", [(seen.start_ns // MINUTE_NS, fingerprint, 1)])


def _sighting(prepared: Prepared, index: int) -> Sighting:
    columns = prepared.columns
    exemplar = columns.id[index] or columns.trace_id[index].hex()
    return Sighting(prepared.looks[index].shape.route, columns.start_ns[index], columns.end_ns[index], exemplar)
