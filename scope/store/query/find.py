"""From what somebody typed to the one request that is meant."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from ...wire.ids import span_id
from ..errors import Ambiguous, NotFound
from .lookup import Reference
from .pages import Listing
from .rows import SELECT, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ...model import RequestSummary
    from .archive import Archive

__all__ = ["find"]

_MAX_MATCHES: Final = 1000
"""Requests looked at; more have an id or a prefix of one in common only where somebody numbers them all alike."""
_MAX_CANDIDATES: Final = 10
_MAX_SPANS: Final = 4096

_SHORTHANDS: Final = {
    "@last": ("start_ns", "shapes.kind <> 'lifespan'"),
    "@slowest": ("duration_ns", "shapes.kind = 'http' AND shapes.state <> 'open'"),
    "@last-error": ("start_ns", "shapes.error IS NOT NULL OR shapes.status >= 500 OR shapes.outcome = 'exception'"),
}


def find(archive: Archive, reference: str, newest: Callable[[Listing, int], list[RequestSummary]]) -> RequestSummary:
    """The request that ``reference`` means; ``newest`` reads the first requests of a listing.

    Raises NotFound, or Ambiguous for a prefix of the ids of several.
    """
    if reference in _SHORTHANDS:
        field, condition = _SHORTHANDS[reference]
        found = newest(Listing(field, f"requests.{field}", condition, (), None), 1)
        if not found:
            raise NotFound(f"nothing stored is {reference}: see what is with `scope ls`")
        return found[0]
    for whole in (True, False):
        matches = _matches(archive, Reference(reference, whole)) if reference else []
        if matches:
            return _meant(reference, matches)
    raise NotFound(
        f"no stored request has an id that begins with {reference!r}: it may have been removed, see `scope ls`"
    )


def _matches(archive: Archive, reference: Reference) -> list[RequestSummary]:
    matches = islice(filter(reference.means, _search(archive, reference)), _MAX_MATCHES)
    found = {(each.span_id, each.start_ns): each for each in matches}
    return sorted(found.values(), key=lambda request: request.start_ns)


def _search(archive: Archive, reference: Reference) -> Iterator[RequestSummary]:
    """Every request that may be meant: the open ones, and what the directories of the blocks point to."""
    yield from map(summary, archive.main.rows(SELECT))
    for bounds in archive.slices():
        database = archive.slice(bounds.start_ns)
        for number in reference.search(database) if database else ():
            row = database.row(f"{SELECT} WHERE requests.request = ?", (number,)) if database else None
            if row:
                yield summary(row)


def _meant(reference: str, matches: Sequence[RequestSummary]) -> RequestSummary:
    """The one match; of one id passed on between services, the request that the others were made for."""
    first = matches[0]
    if any(each.id != first.id and each.trace_id != first.trace_id for each in matches):
        newest = matches[: -_MAX_CANDIDATES - 1 : -1]
        raise Ambiguous(f"the ids of several requests begin with {reference!r}: add what follows", newest)
    inner = {spans for each in matches for spans in _span_ids(each)}
    return next((each for each in matches if each.remote_parent_id not in inner), first)


def _span_ids(request: RequestSummary) -> Iterable[str]:
    root = int(request.span_id, 16)
    return (f"{span_id(root, number):016x}" for number in range(1, min(request.spans, _MAX_SPANS) + 1))
