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
    "OutsideTheft",
    "Theft",
    "held_longest_ns",
    "innermost",
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


def waited_ns(trace: Trace) -> int:
    """How long the request waited for its loop."""
    return sum(each.duration_ns for each in states(trace) if each.state is State.WAITING_FOR_LOOP)


def held_longest_ns(trace: Trace) -> int:
    """The longest step of the request in a loop."""
    return max((step.end_ns - step.start_ns for step in trace.steps if not step.in_thread), default=0)


def thefts(victim: Trace, others: Iterable[Trace]) -> list[Theft]:
    """Who took how much of the time that ``victim`` waited for its loop, the most first."""
    waits = _Waits(victim)
    return _worst_first(_theft(waits, _Holds(other)) for other in others)


def thefts_by(culprit: Trace, others: Iterable[Trace]) -> list[Theft]:
    """From whom ``culprit`` took how much of the time that they waited for its loop, the most first."""
    holds = _Holds(culprit)
    return _worst_first(_theft(_Waits(other), holds) for other in others)


def thefts_outside(victim: Trace, events: Iterable[ProcessEvent]) -> list[OutsideTheft]:
    """What of ``events``, by name, took how much of the time that ``victim`` waited for its loop, the most first."""
    waits = _Waits(victim)
    held = [event for event in events if event.thread in waits.threads and event.kind in {"step", "gc"}]
    steps = _Runs((event.start_ns, event.end_ns) for event in held if event.kind == "step")
    taken: Counter[tuple[str, str, str, int]] = Counter()
    examples: dict[tuple[str, str, str, int], ProcessEvent] = {}
    for event in held:
        if event.kind == "gc" and steps.during(event.start_ns, event.end_ns):
            continue  # part of a step that is told
        name = event.kind, event.name, event.file, event.line
        examples.setdefault(name, event)
        for wait in waits.runs.during(event.start_ns, event.end_ns):
            taken[name] += _overlap(event.start_ns, event.end_ns, *waits.runs.bounds[wait])
    return [OutsideTheft(examples[name], stolen_ns) for name, stolen_ns in taken.most_common() if stolen_ns]


def _worst_first(found: Iterable[Theft | None]) -> list[Theft]:
    return sorted(filter(None, found), key=lambda theft: theft.stolen_ns, reverse=True)


class _Runs:
    """Stretches of time that follow each other, told by their ``bounds``: begin and end."""

    def __init__(self, bounds: Iterable[tuple[int, int]]) -> None:
        self.bounds = sorted(bounds)
        self._starts = [start_ns for start_ns, _ in self.bounds]
        self._ends = [end_ns for _, end_ns in self.bounds]

    def during(self, start_ns: int, end_ns: int) -> range:
        """The indexes of those that overlap with the time between the two."""
        return range(bisect_right(self._ends, start_ns), bisect_left(self._starts, end_ns))

    def beside(self, others: _Runs) -> Iterator[tuple[int, int]]:
        """Indexes of those of both that overlap; it takes as long as the fewer of the two."""
        if len(self.bounds) > len(others.bounds):
            yield from ((own, other) for other, own in others.beside(self))
            return
        for own, bounds in enumerate(self.bounds):
            yield from ((own, other) for other in others.during(*bounds))


class _Waits:
    """When a request waited for its loop, and which threads its loops ran in."""

    def __init__(self, victim: Trace) -> None:
        found = (each for each in states(victim) if each.state is State.WAITING_FOR_LOOP)
        self.request = victim.request
        self.runs = _Runs((each.start_ns, each.end_ns) for each in found)
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
        self.runs = {thread: _Runs(bounds) for thread, bounds in steps.items()}
        self.pauses = [(pause.start_ns, pause.end_ns) for pause in pauses(culprit)]


def _theft(victim: _Waits, culprit: _Holds) -> Theft | None:
    taken: Counter[tuple[int, int]] = Counter()
    for thread in victim.threads & culprit.runs.keys():
        steps = culprit.runs[thread]
        for step, wait in steps.beside(victim.runs):
            taken[steps.bounds[step]] += _overlap(*steps.bounds[step], *victim.runs.bounds[wait])
    if not taken.total():
        return None
    functions: Counter[str] = Counter()
    for step_bounds, taken_ns in taken.most_common(_NAMED_STEPS):
        functions[innermost(culprit.root, *step_bounds)[-1].name] += taken_ns
    [(name, _)] = functions.most_common(1)
    paused = (
        _overlap(*pause, *victim.runs.bounds[wait]) for pause in culprit.pauses for wait in victim.runs.during(*pause)
    )
    return Theft(culprit.request, victim.request, name, taken.total(), sum(paused))


def innermost(span: Span, start_ns: int, end_ns: int) -> tuple[Span, ...]:
    """The way from ``span`` down to the innermost span that takes most of the time between the two, both included."""
    least_ns = (end_ns - start_ns) * _MOST_PERCENT // 100
    for child in span.children:
        child_end_ns = end_ns if child.duration_ns is None else child.start_ns + child.duration_ns
        if _overlap(child.start_ns, child_end_ns, start_ns, end_ns) > least_ns:
            return (span, *innermost(child, start_ns, end_ns))
    return (span,)


def _overlap(start_ns: int, end_ns: int, other_start_ns: int, other_end_ns: int) -> int:
    return max(0, min(end_ns, other_end_ns) - max(start_ns, other_start_ns))
