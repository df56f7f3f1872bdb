"""Which stored requests are looked at where all would be too many: some new, slow and blocking ones of each route."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ..instrument.analyse import corrected
from ..store import parse
from .measure import measure
from .reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..instrument.analyse import Analysis
    from ..model import RequestSummary, Trace
    from ..store import Reader

__all__ = ["corrected_by", "sampled"]

_LISTED: Final = 1000
_OF_A_ROUTE: Final = 10
_EVENTS: Final = 300_000
_LARGEST: Final = _EVENTS // 4
"""A request with more events is passed over, so that one does not stand for all."""


def corrected_by(store: Reader, analysis: Analysis, since_ns: int | None) -> Analysis:
    """``analysis`` as it is with what the requests since then tell."""
    return corrected(analysis, measure(analysis, sampled(store, since_ns), store.routes(since_ns)))


def sampled(store: Reader, since_ns: int | None) -> Iterator[Trace]:
    """Of the thousand newest, slowest and longest in their loop at a stretch ten each of every route, within bounds."""
    chosen = [each for each in _chosen(store, since_ns) if each.events <= _LARGEST]
    yield from Reading(store, _EVENTS).traces(chosen, len(chosen))


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
