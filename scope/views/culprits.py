"""The pass that ranks what held event loops, by the time that it took from others.

A loop runs one step at a time. A step that lasted long enough to be told of is a hold; what a request waited for the
same loop meanwhile was taken from it by that hold. Holds of one function on behalf of one route are one culprit; so are
those of one function in no request, and pauses for garbage collection there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from .blame import Runs, Waits, innermost, outside, overlap_ns
from .header import label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import ProcessEvent, RequestSummary, Trace

__all__ = ["Culprit", "Ranking"]


@dataclass(frozen=True, slots=True)
class Culprit:
    """A function of a route that held event loops; outside any request ``route`` is empty.

    ``steps`` is how often it did, ``held_ns`` how long in all, ``longest_ns`` at most at a stretch. ``victims`` counts
    the requests that waited meanwhile, ``stolen_ns`` is what they waited, added up. ``culprit_id`` is the id of the
    request that held a loop longest, ``victim_id`` of the one from which most was taken; None where there is none.
    """

    function: str
    route: str
    service: str
    steps: int
    held_ns: int
    longest_ns: int
    victims: int
    stolen_ns: int
    culprit_id: str | None
    victim_id: str | None


class _Loop(NamedTuple):
    service: str
    pid: int
    thread: str


class _Kind(NamedTuple):
    function: str
    route: str
    service: str


class _Hold(NamedTuple):
    start_ns: int
    end_ns: int
    kind: _Kind
    id: str | None

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


class _Wait(NamedTuple):
    start_ns: int
    end_ns: int
    victim: tuple[str, str]
    """Id of the request's own span, which no other has, and its correlation id."""


class Ranking:
    """Takes in traces, in any order, and keeps a few numbers of each hold of at least ``least_ns`` and of each wait."""

    def __init__(self, least_ns: int) -> None:
        self._least_ns = least_ns
        self._holds: defaultdict[_Loop, list[_Hold]] = defaultdict(list)
        self._waits: defaultdict[_Loop, list[_Wait]] = defaultdict(list)

    def add_holds(self, trace: Trace) -> None:
        """Take in what the request did in its loops."""
        request, route = trace.request, label(trace.request)
        for step in trace.steps:
            if step.in_thread or step.end_ns - step.start_ns < self._least_ns:
                continue
            kind = _Kind(innermost(trace.root, step.start_ns, step.end_ns)[-1].name, route, request.service)
            self._holds[_loop(request, step.thread)].append(_Hold(step.start_ns, step.end_ns, kind, request.id))

    def add_events(self, events: Iterable[ProcessEvent]) -> None:
        """Take in what held loops in no request."""
        by_loop: defaultdict[_Loop, list[ProcessEvent]] = defaultdict(list)
        for event in events:
            by_loop[_Loop(event.service, event.pid, event.thread)].append(event)
        for loop, ran in by_loop.items():
            held = (event for event in outside(ran) if event.duration_ns >= self._least_ns)
            self._holds[loop] += (_Hold(each.start_ns, each.end_ns, _kind_of(each), None) for each in held)

    def add_waits(self, trace: Trace) -> None:
        """Take in when the request waited for its loops."""
        waits, request = Waits(trace), trace.request
        victim = (request.span_id, request.id)
        for thread in waits.threads:
            self._waits[_loop(request, thread)] += (_Wait(*bounds, victim) for bounds in waits.runs.bounds)

    def culprits(self) -> list[Culprit]:
        """All of them; who took most from others first, then who held a loop longest."""
        tallies: defaultdict[_Kind, _Tally] = defaultdict(_Tally)
        for loop, holds in self._holds.items():
            holds.sort(key=itemgetter(0, 1))
            for hold in holds:
                tallies[hold.kind].add(hold)
            for hold, wait in _together(holds, self._waits[loop]):
                tallies[hold.kind].stolen_ns[wait.victim] += overlap_ns(hold[:2], wait[:2])
        found = [tally.culprit(kind) for kind, tally in tallies.items()]
        return sorted(found, key=lambda each: (each.stolen_ns, each.held_ns), reverse=True)


class _Tally:
    """What is known of one culprit so far."""

    def __init__(self) -> None:
        self.stolen_ns: Counter[tuple[str, str]] = Counter()
        self._steps = self._held_ns = 0
        self._longest: _Hold | None = None

    def add(self, hold: _Hold) -> None:
        self._steps += 1
        self._held_ns += hold.duration_ns
        if self._longest is None or hold.duration_ns > self._longest.duration_ns:
            self._longest = hold

    def culprit(self, kind: _Kind) -> Culprit:
        assert self._longest is not None
        worst = [id_ for (_, id_), _ in self.stolen_ns.most_common(1)]
        return Culprit(
            *kind,
            steps=self._steps,
            held_ns=self._held_ns,
            longest_ns=self._longest.duration_ns,
            victims=len(self.stolen_ns),
            stolen_ns=self.stolen_ns.total(),
            culprit_id=self._longest.id,
            victim_id=worst[0] if worst else None,
        )


def _kind_of(event: ProcessEvent) -> _Kind:
    name = event.name or ("garbage collection" if event.kind == "gc" else "(unnamed)")
    return _Kind(name, "", event.service)


def _loop(request: RequestSummary, thread: str) -> _Loop:
    return _Loop(request.service, request.pid, thread)


def _together(holds: list[_Hold], waits: list[_Wait]) -> Iterator[tuple[_Hold, _Wait]]:
    """What overlaps, of ``holds`` in order of time that follow each other."""
    runs = Runs(hold[:2] for hold in holds)
    for wait in waits:
        yield from ((holds[index], wait) for index in runs.during(wait.start_ns, wait.end_ns))
