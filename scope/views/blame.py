"""The pass that says who held the loop while others waited for it.

A loop runs one step at a time. While a request waits for it, whatever steps the same thread ran then are those of the
requests that held it; the overlap is the time that each took. So it is with long steps outside any request, and with
pauses for garbage collection. What is left over nobody recorded: short work of the server itself, or of requests that
are not in the store.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..model import State
from .pauses import pauses
from .states import states

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import ProcessEvent, RequestSummary, Span, Trace

__all__ = [
    "Blame",
    "OutsideTheft",
    "Runs",
    "Theft",
    "Waits",
    "held_longest_ns",
    "innermost",
    "outside",
    "overlap_ns",
    "thefts",
    "thefts_by",
    "thefts_outside",
    "waited_ns",
]

_MOST_PERCENT: Final = 50
_NAMED_STEPS: Final = 100
"""So many of the steps that took most are looked at for their function."""


@dataclass(frozen=True, slots=True)
class Theft:
    """``victim`` waited ``stolen_ns`` for the loop while ``culprit`` held it, for the most part in ``function``.

    ``paused_ns`` of it the garbage collector took.
    """

    culprit: RequestSummary
    victim: RequestSummary
    function: str
    stolen_ns: int
    paused_ns: int = 0


@dataclass(frozen=True, slots=True)
class OutsideTheft:
    """A request waited ``stolen_ns`` for the loop while what ``example`` is one of, in no request, held it."""

    example: ProcessEvent
    stolen_ns: int


@dataclass(frozen=True, slots=True)
class Blame:
    """What a request waited for, and who waited for it.

    Of the ``waited_ns`` that it waited for its loop, ``stolen`` says which requests took how much, ``outside`` what
    did in no request, and ``taken`` from whom it took how much itself; the most first. ``held_ns`` is its longest step.
    ``holders_skipped`` and ``waiters_skipped`` count requests that may have to do with either and were not read.
    """

    waited_ns: int
    stolen: tuple[Theft, ...]
    outside: tuple[OutsideTheft, ...]
    held_ns: int
    taken: tuple[Theft, ...]
    holders_skipped: int = 0
    waiters_skipped: int = 0

    @property
    def unexplained_ns(self) -> int:
        """The part of ``waited_ns`` that nothing is known to have taken."""
        by_requests = sum(theft.stolen_ns for theft in self.stolen)
        return max(self.waited_ns - by_requests - sum(theft.stolen_ns for theft in self.outside), 0)


def waited_ns(trace: Trace) -> int:
    """How long the request waited for its loop."""
    return sum(each.duration_ns for each in states(trace) if each.state is State.WAITING_FOR_LOOP)


def held_longest_ns(trace: Trace) -> int:
    """The longest step of the request in a loop."""
    return max((step.end_ns - step.start_ns for step in trace.steps if not step.in_thread), default=0)


def thefts(victim: Trace, others: Iterable[Trace]) -> list[Theft]:
    """Who took how much of the time that ``victim`` waited for its loop, the most first."""
    waits = Waits(victim)
    return _worst_first(_theft(waits, _Holds(other)) for other in others)


def thefts_by(culprit: Trace, others: Iterable[Trace]) -> list[Theft]:
    """From whom ``culprit`` took how much of the time that they waited for its loop, the most first."""
    holds = _Holds(culprit)
    return _worst_first(_theft(Waits(other), holds) for other in others)


def thefts_outside(victim: Trace, events: Iterable[ProcessEvent]) -> list[OutsideTheft]:
    """What of ``events``, by name, took how much of the time that ``victim`` waited for its loop, the most first."""
    waits = Waits(victim)
    taken: Counter[tuple[str, str, str, int]] = Counter()
    examples: dict[tuple[str, str, str, int], ProcessEvent] = {}
    ran = list(events)
    for event in (each for thread in waits.threads for each in outside(_in_thread(ran, thread))):
        name = event.kind, event.name, event.file, event.line
        examples.setdefault(name, event)
        for wait in waits.runs.during(event.start_ns, event.end_ns):
            taken[name] += overlap_ns((event.start_ns, event.end_ns), waits.runs.bounds[wait])
    return [OutsideTheft(examples[name], stolen_ns) for name, stolen_ns in taken.most_common() if stolen_ns]


def _in_thread(events: Iterable[ProcessEvent], thread: str) -> Iterator[ProcessEvent]:
    return (event for event in events if event.thread == thread)


def outside(events: Iterable[ProcessEvent]) -> list[ProcessEvent]:
    """What of ``events``, all of one thread, held it: steps, and such pauses as are not part of one of them."""
    held = [event for event in events if event.kind in {"step", "gc"}]
    steps = Runs((event.start_ns, event.end_ns) for event in held if event.kind == "step")
    return [event for event in held if event.kind == "step" or not steps.during(event.start_ns, event.end_ns)]


def _worst_first(found: Iterable[Theft | None]) -> list[Theft]:
    return sorted(filter(None, found), key=lambda theft: theft.stolen_ns, reverse=True)


class Runs:
    """Stretches of time that follow each other, told by their ``bounds``: begin and end."""

    def __init__(self, bounds: Iterable[tuple[int, int]]) -> None:
        self.bounds = sorted(bounds)
        self._starts = [start_ns for start_ns, _ in self.bounds]
        self._ends = [end_ns for _, end_ns in self.bounds]

    def during(self, start_ns: int, end_ns: int) -> range:
        """The indexes of those that overlap with the time between the two."""
        return range(bisect_right(self._ends, start_ns), bisect_left(self._starts, end_ns))

    def beside(self, others: Runs) -> Iterator[tuple[int, int]]:
        """Indexes of those of both that overlap; it takes as long as the fewer of the two."""
        if len(self.bounds) > len(others.bounds):
            yield from ((own, other) for other, own in others.beside(self))
            return
        for own, bounds in enumerate(self.bounds):
            yield from ((own, other) for other in others.during(*bounds))


class Waits:
    """When a request waited for its loop, and which threads its loops ran in."""

    def __init__(self, victim: Trace) -> None:
        found = (each for each in states(victim) if each.state is State.WAITING_FOR_LOOP)
        self.request = victim.request
        self.runs = Runs((each.start_ns, each.end_ns) for each in found)
        self.threads = {step.thread for step in victim.steps if not step.in_thread}


class _Holds:
    """When a request held a loop, by the loop's thread."""

    def __init__(self, culprit: Trace) -> None:
        self.request = culprit.request
        self.root = culprit.root
        steps: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for step in culprit.steps:
            if not step.in_thread:
                steps[step.thread].append((step.start_ns, step.end_ns))
        self.runs = {thread: Runs(bounds) for thread, bounds in steps.items()}
        self.pauses = [(pause.start_ns, pause.end_ns) for pause in pauses(culprit)]


def _theft(victim: Waits, culprit: _Holds) -> Theft | None:
    taken: Counter[tuple[int, int]] = Counter()
    for thread in victim.threads & culprit.runs.keys():
        steps = culprit.runs[thread]
        for step, wait in steps.beside(victim.runs):
            taken[steps.bounds[step]] += overlap_ns(steps.bounds[step], victim.runs.bounds[wait])
    if not taken.total():
        return None
    functions: Counter[str] = Counter()
    for step_bounds, taken_ns in taken.most_common(_NAMED_STEPS):
        functions[innermost(culprit.root, *step_bounds)[-1].name] += taken_ns
    [(name, _)] = functions.most_common(1)
    paused = (
        overlap_ns(pause, victim.runs.bounds[wait]) for pause in culprit.pauses for wait in victim.runs.during(*pause)
    )
    return Theft(culprit.request, victim.request, name, taken.total(), sum(paused))


def innermost(span: Span, start_ns: int, end_ns: int) -> tuple[Span, ...]:
    """The way from ``span`` down to the innermost span that takes most of the time between the two, both included."""
    least_ns = (end_ns - start_ns) * _MOST_PERCENT // 100
    for child in span.children:
        child_end_ns = end_ns if child.duration_ns is None else child.start_ns + child.duration_ns
        if overlap_ns((child.start_ns, child_end_ns), (start_ns, end_ns)) > least_ns:
            return (span, *innermost(child, start_ns, end_ns))
    return (span,)


def overlap_ns(one: tuple[int, int], other: tuple[int, int]) -> int:
    """How long two stretches, given by their bounds, overlap."""
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))
