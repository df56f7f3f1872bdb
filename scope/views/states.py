"""The pass that says what a request was doing at every moment.

Steps overlap where a request has several tasks. The state that says most about where the time went counts: running
before being in a thread, then waiting for the loop, then for a thread; what is left is awaiting. So the stretches
follow each other without gap or overlap, and their durations add up to the request's.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from ..model import State, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..model import Step, Trace

__all__ = ["states", "totals"]

_RANK: Final = (State.RUNNING, State.IN_THREAD, State.WAITING_FOR_LOOP, State.WAITING_FOR_THREAD)


def states(trace: Trace) -> tuple[Stretch, ...]:
    """The stretches of the request from its start to its response's end, in order of time; adjacent ones differ.

    A trace without steps is one stretch, UNKNOWN: its loop was not watched. So is what comes before the first step,
    which was under way when watching began; what is left of one that lost events; and what follows the steps of one
    that was assembled without the rest of them.
    """
    start_ns = trace.request.start_ns
    end_ns = start_ns + trace.request.duration_ns
    unknown = not trace.steps or trace.request.lost > 0
    otherwise = State.UNKNOWN if unknown else State.AWAITING
    if not trace.left_out.steps:
        return tuple(_joined(_stretches(trace.steps, start_ns, end_ns, otherwise)))
    last_ns = max((step.end_ns for step in trace.steps), default=start_ns)
    known_ns = min(max(start_ns, last_ns), end_ns)
    rest = [Stretch(State.UNKNOWN, known_ns, end_ns)] if known_ns < end_ns else []
    return tuple(_joined((*_stretches(trace.steps, start_ns, known_ns, otherwise), *rest)))


def totals(stretches: Iterable[Stretch]) -> Mapping[State, int]:
    """Nanoseconds in each state that occurs; their sum is the duration of all of them."""
    sums: Counter[State] = Counter()
    for stretch in stretches:
        sums[stretch.state] += stretch.duration_ns
    return {state: sums[state] for state in State if sums[state]}


def _stretches(steps: Sequence[Step], start_ns: int, end_ns: int, otherwise: State) -> Iterator[Stretch]:
    changes = sorted(_changes(steps, start_ns, end_ns))
    labels = _Labels(steps)
    active: Counter[State] = Counter()
    watched_ns = min((step.ready_ns for step in steps), default=end_ns)
    at = start_ns
    for time_ns, state, change in [*changes, (end_ns, 0, 0)]:
        if time_ns > at:
            idle = otherwise if at >= watched_ns else State.UNKNOWN
            now = next((each for each in _RANK if active[each]), idle)
            yield Stretch(now, at, time_ns, labels.at(time_ns) if now is State.AWAITING else "")
            at = time_ns
        active[_RANK[state]] += change


def _changes(steps: Iterable[Step], start_ns: int, end_ns: int) -> Iterator[tuple[int, int, int]]:
    """Moments within the request at which a state (by its rank) begins, 1, or ends, -1."""
    for step in steps:
        waits, runs = (3, 1) if step.in_thread else (2, 0)
        ready_ns, began_ns, ended_ns = (
            min(max(moment, start_ns), end_ns) for moment in (step.ready_ns, step.start_ns, step.end_ns)
        )
        yield from ((ready_ns, waits, 1), (began_ns, waits, -1), (began_ns, runs, 1), (ended_ns, runs, -1))


class _Labels:
    """What the step that ended last before a moment awaits; to be asked for moments that do not go back."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._ends = sorted((step for step in steps if not step.in_thread), key=attrgetter("end_ns"), reverse=True)
        self._label = ""

    def at(self, time_ns: int) -> str:
        while self._ends and self._ends[-1].end_ns < time_ns:
            self._label = self._ends.pop().awaits
        return self._label


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    last: Stretch | None = None
    for stretch in stretches:
        if last and (last.state, last.label) == (stretch.state, stretch.label):
            last = Stretch(last.state, last.start_ns, stretch.end_ns, last.label)
            continue
        if last:
            yield last
        last = stretch
    if last:
        yield last
