"""The states of a request in words, and as a row of cells."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from ..model import State
from .format import format_duration
from .lines import Piece, line
from .states import states, totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..model import Stretch, Trace
    from .lines import Line, Role
    from .timeline import Strip

__all__ = ["WORDS", "paint_states", "percentages", "state_line"]

WORDS: Final[Mapping[State, str]] = {
    State.RUNNING: "running",
    State.IN_THREAD: "in a thread",
    State.WAITING_FOR_LOOP: "waiting for the loop",
    State.WAITING_FOR_THREAD: "waiting for a thread",
    State.AWAITING: "awaiting",
    State.UNKNOWN: "not recorded",
}

_CELLS: Final[tuple[tuple[State, str, Role], ...]] = (
    (State.UNKNOWN, "·", "dim"),
    (State.AWAITING, "─", "dim"),
    (State.WAITING_FOR_THREAD, "┄", "warning"),
    (State.WAITING_FOR_LOOP, "╱", "warning"),
    (State.IN_THREAD, "▓", "bar"),
    (State.RUNNING, "█", "bar"),
)
"""How each is drawn."""

_WAITS: Final = {State.WAITING_FOR_LOOP, State.WAITING_FOR_THREAD}


def percentages(sums: Mapping[State, int]) -> Mapping[State, int]:
    """Whole percents that add up to 100: what rounding leaves goes to the largest remainders. Empty for no time."""
    whole = sum(sums.values())
    if not whole:
        return {}
    rounded = {state: ns * 100 // whole for state, ns in sums.items()}
    remainders = sorted(sums, key=lambda state: sums[state] * 100 % whole, reverse=True)
    for state in remainders[: 100 - sum(rounded.values())]:
        rounded[state] += 1
    return rounded


def state_line(trace: Trace) -> Line:
    """Where the time of the request went; empty where its loop was not watched."""
    if not trace.steps:
        return ()
    stretches = states(trace)
    sums = totals(stretches)
    percents = percentages(sums)
    pieces: list[Piece] = []
    for state in sorted(sums, key=lambda state: sums[state], reverse=True):
        text = f"{WORDS[state]} {format_duration(sums[state])} ({percents[state]} %)"
        role: Role = "warning" if state in _WAITS and percents[state] >= 10 else "dim"
        pieces += [Piece(" · ", "dim"), Piece(text, role)]
    return line(*pieces[1:], Piece(_longest_awaited(stretches), "dim"))


def _longest_awaited(stretches: Iterable[Stretch]) -> str:
    sums: Counter[str] = Counter()
    for stretch in stretches:
        if stretch.label:
            sums[stretch.label] += stretch.duration_ns
    return "".join(f", longest {label} {format_duration(ns)}" for label, ns in sums.most_common(1))


def paint_states(strip: Strip, stretches: Iterable[Stretch]) -> None:
    """Each cell in the texture of the state that took most of its time."""
    cells: defaultdict[int, Counter[State]] = defaultdict(Counter)
    for stretch in stretches:
        for column, ns in strip.scale.shares(stretch.start_ns, stretch.end_ns):
            cells[column][stretch.state] += ns
    for column, shares in cells.items():
        _, character, role = max(_CELLS, key=lambda drawn: shares.get(drawn[0], -1))
        strip.cell(column, character, role)
