"""Which stored requests are looked at where all would be too many: some new, slow and blocking ones of each route."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ..store import NotFound, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import RequestSummary, Trace
    from ..store import Reader

__all__ = ["sampled"]

_LISTED: Final = 1000
_OF_A_ROUTE: Final = 10
_EVENTS: Final = 300_000
_LIMIT: Final = 20_000
_LARGEST: Final = _EVENTS // 4
"""A request with more events is passed over, so that one does not stand for all."""


def sampled(store: Reader, since_ns: int | None) -> Iterator[Trace]:
    """Of the thousand newest, slowest and longest in their loop at a stretch ten each of every route, within bounds."""
    left = _EVENTS
    for request in _chosen(store, since_ns):
        if request.events > min(left, _LARGEST):
            continue
        left -= request.events
        with suppress(NotFound):
            yield store.trace(request, limit=_LIMIT)


def _chosen(store: Reader, since_ns: int | None) -> Iterable[RequestSummary]:
    """Each once, the first of each route and list before the second of any."""
    condition = parse("kind:http OR kind:websocket")
    found: dict[tuple[str, int], tuple[int, RequestSummary]] = {}
    for sort in ("start", "dur", "longest_step"):
        counts: Counter[tuple[str, str | None]] = Counter()
        for request in store.requests(condition, limit=_LISTED, sort=sort, since_ns=since_ns):
            turn = counts[request.method, request.route]
            counts[request.method, request.route] += 1
            if turn < _OF_A_ROUTE:
                found.setdefault((request.span_id, request.start_ns), (turn, request))
    return (request for _, request in sorted(found.values(), key=lambda each: each[0]))
