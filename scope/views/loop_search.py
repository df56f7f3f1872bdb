"""Looks in a store for who held event loops and who waited: reads the requests that count most, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ..store import Sort, parse
from .blame import Blame, OutsideTheft, Theft, held_longest_ns, thefts, thefts_by, thefts_outside, waited_ns
from .culprits import Ranking
from .reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import ProcessEvent, RequestSummary, Trace
    from ..store import Filter, Reader
    from .culprits import Culprit

__all__ = ["Search", "find_blame", "find_culprits"]

_BESIDE: Final = 500
_BESIDE_EVENTS: Final = 100_000
"""So many requests beside one, with so many events in all, are read at most to tell who held its loop, or waited."""
_HOLDERS: Final = 1_000
_HOLDERS_EVENTS: Final = 100_000
_WAITERS: Final = 3_000
_WAITERS_EVENTS: Final = 200_000
"""The same of all requests that are ranked."""
_EARLIER_NS: Final = 600_000_000_000
"""How long before the time asked about a request may have begun that waited in it."""
_MOST_PIDS: Final = 100
_FOREVER_NS: Final = (1 << 63) - 1


class Search(NamedTuple):
    """What was found; ``skipped`` counts the requests that were not read, up to one of each side beyond its bound."""

    culprits: list[Culprit]
    skipped: int


def find_blame(store: Reader, trace: Trace, least_ns: int) -> Blame:
    """Who held the loop of the request while it waited, and who waited while the request held it.

    Either is looked for only where it comes to ``least_ns``.
    """
    waited, held = waited_ns(trace), held_longest_ns(trace)
    reading = Reading(store, _BESIDE_EVENTS)
    stolen, outside, taken = list[Theft](), list[OutsideTheft](), list[Theft]()
    if waited >= least_ns:
        holders = store.neighbours(trace.request, Sort.HELD_LOOP, limit=_BESIDE + 1)
        stolen = thefts(trace, reading.traces(holders, _BESIDE))
        outside = thefts_outside(trace, _events_beside(store, trace.request))
    skipped, reading = reading.skipped, Reading(store, _BESIDE_EVENTS)
    if held >= least_ns:
        waiters = store.neighbours(trace.request, Sort.WAITED_FOR_LOOP, limit=_BESIDE + 1)
        taken = thefts_by(trace, reading.traces(waiters, _BESIDE))
    return Blame(waited, tuple(stolen), tuple(outside), held, tuple(taken), skipped, reading.skipped)


def _events_beside(store: Reader, request: RequestSummary) -> list[ProcessEvent]:
    return store.process_events(request.start_ns, request.start_ns + request.duration_ns, beside=request)


def find_culprits(store: Reader, least_ns: int, condition: Filter | None = None, since_ns: int | None = None) -> Search:
    """Who held loops for ``least_ns`` and more at a stretch, and what others waited for that; the worst first.

    Holds are those of requests that meet ``condition`` and began since ``since_ns``; without a condition also what held
    loops in no request then. Of those who waited only such count as waited ``least_ns`` in all. Requests with the
    longest holds and waits are read first.
    """
    wanted = parse(f"longest_step_ns>={max(least_ns, 1)}")
    wanted = condition.also(wanted) if condition else wanted
    holders = store.requests(wanted, sort="longest_step_ns", since_ns=since_ns, limit=_HOLDERS + 1)
    ranking, reading = Ranking(least_ns), Reading(store, _HOLDERS_EVENTS)
    for trace in reading.traces(holders, _HOLDERS):
        ranking.add_holds(trace)
    events = [] if condition else _events(store, since_ns, least_ns)
    ranking.add_events(events)
    skipped, reading = reading.skipped, Reading(store, _WAITERS_EVENTS)
    for trace in reading.traces(_waiters(store, _places(holders, events), least_ns), _WAITERS):
        ranking.add_waits(trace)
    return Search(ranking.culprits(), skipped + reading.skipped)


class _Place(NamedTuple):
    """Where and when a loop may have been held."""

    pid: int
    start_ns: int
    end_ns: int


def _events(store: Reader, since_ns: int | None, least_ns: int) -> list[ProcessEvent]:
    found = store.process_events(since_ns or 0, _FOREVER_NS)
    return [event for event in found if event.duration_ns >= least_ns and event.start_ns >= (since_ns or 0)]


def _places(holders: Sequence[RequestSummary], events: Sequence[ProcessEvent]) -> list[_Place]:
    lasted = ((each, each.start_ns + each.duration_ns + each.background_ns) for each in holders)
    return [
        *(_Place(each.pid, each.start_ns, end_ns) for each, end_ns in lasted),
        *(_Place(event.pid, event.start_ns, event.end_ns) for event in events if event.kind in {"step", "gc"}),
    ]


def _waiters(store: Reader, places: Sequence[_Place], least_ns: int) -> list[RequestSummary]:
    """Those that waited longest, of the processes and the time of ``places``."""
    if not places:
        return []
    first_ns = min(each.start_ns for each in places) - _EARLIER_NS
    last_ns = max(each.end_ns for each in places)
    pids = {each.pid for each in places}
    among = f"({' OR '.join(f'pid:{pid}' for pid in sorted(pids))})" if len(pids) <= _MOST_PIDS else ""
    wanted = parse(f"loop_wait_ns>={max(least_ns, 1)} start_ns<={last_ns} {among}")
    return store.requests(wanted, sort="loop_wait_ns", since_ns=first_ns, limit=_WAITERS + 1)
