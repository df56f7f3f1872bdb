"""The pass that says who held the loop while others waited for it.

A loop runs one step at a time. While a request waits for it, whatever steps the same thread ran then are those of the
requests that held it; the overlap is the time that each took. What is left over nobody recorded: work of the server
itself, or of requests that are not in the store.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from ..model import State
from .states import states

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import RequestSummary, Span, Step, Trace

__all__ = ["Theft", "held_longest_ns", "thefts", "waited_ns"]

_MOST_PERCENT: Final = 50
_NAMED_STEPS: Final = 100
"""So many of the steps that took most are looked at for their function."""


@dataclass(frozen=True, slots=True)
class Theft:
    """``victim`` waited ``stolen_ns`` for the loop while ``culprit`` held it, for the most part in ``function``."""

    culprit: RequestSummary
    victim: RequestSummary
    function: str
    stolen_ns: int


def waited_ns(trace: Trace) -> int:
    """How long the request waited for its loop."""
    return sum(each.duration_ns for each in states(trace) if each.state is State.WAITING_FOR_LOOP)


def held_longest_ns(trace: Trace) -> int:
    """The longest step of the request in a loop."""
    return max((step.end_ns - step.start_ns for step in trace.steps if not step.in_thread), default=0)


def thefts(victim: Trace, others: Iterable[Trace]) -> list[Theft]:
    """Who took how much of the time that ``victim`` waited for its loop, the most first."""
    waits = [(each.start_ns, each.end_ns) for each in states(victim) if each.state is State.WAITING_FOR_LOOP]
    threads = {step.thread for step in victim.steps if not step.in_thread}
    found = [theft for other in others if (theft := _theft(victim, waits, threads, other))]
    return sorted(found, key=lambda theft: theft.stolen_ns, reverse=True)


def _theft(victim: Trace, waits: list[tuple[int, int]], threads: set[str], culprit: Trace) -> Theft | None:
    takings = [
        (_taken_ns(step, waits), step) for step in culprit.steps if not step.in_thread and step.thread in threads
    ]
    stolen_ns = sum(taken_ns for taken_ns, _ in takings)
    if not stolen_ns:
        return None
    functions: Counter[str] = Counter()
    for taken_ns, step in nlargest(_NAMED_STEPS, takings, key=itemgetter(0)):
        if taken_ns:
            functions[_function(culprit.root, step.start_ns, step.end_ns)] += taken_ns
    [(name, _)] = functions.most_common(1)
    return Theft(culprit.request, victim.request, name, stolen_ns)


def _taken_ns(step: Step, waits: Sequence[tuple[int, int]]) -> int:
    """How much of ``waits``, which follow each other, the step lasted."""
    first = bisect_right(waits, step.start_ns, key=itemgetter(1))
    last = bisect_left(waits, step.end_ns, lo=first, key=itemgetter(0))
    return sum(_overlap(step.start_ns, step.end_ns, *wait) for wait in waits[first:last])


def _function(span: Span, start_ns: int, end_ns: int) -> str:
    """The innermost span that takes most of the time between the two."""
    least_ns = (end_ns - start_ns) * _MOST_PERCENT // 100
    for child in span.children:
        child_end_ns = end_ns if child.duration_ns is None else child.start_ns + child.duration_ns
        if _overlap(child.start_ns, child_end_ns, start_ns, end_ns) > least_ns:
            return _function(child, start_ns, end_ns)
    return span.name


def _overlap(start_ns: int, end_ns: int, other_start_ns: int, other_end_ns: int) -> int:
    return max(0, min(end_ns, other_end_ns) - max(start_ns, other_start_ns))
