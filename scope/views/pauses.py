"""The pass that finds when the garbage collector held the thread of a request: marks that say for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .format import format_duration
from .lines import Piece, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import Mark, Trace
    from .lines import Line

__all__ = ["Pause", "pause_line", "pause_of", "pauses"]


class Pause(NamedTuple):
    """A collection of ``generation``, in Unix nanoseconds."""

    start_ns: int
    end_ns: int
    generation: int

    def __str__(self) -> str:
        return f"garbage collection of generation {self.generation}: {format_duration(self.end_ns - self.start_ns)}"


def pause_of(mark: Mark) -> Pause | None:
    """The pause that ``mark`` tells of; None for any other mark."""
    lasted_ns, generation = mark.attributes.get("gc.duration_ns"), mark.attributes.get("gc.generation")
    if mark.name != "garbage collection" or not isinstance(lasted_ns, int) or not isinstance(generation, int):
        return None
    return Pause(mark.time_ns, mark.time_ns + lasted_ns, generation)


def pauses(trace: Trace) -> Iterator[Pause]:
    """All of the request's, span by span."""
    found = (pause_of(mark) for _, span in trace.spans() for mark in span.marks)
    return (pause for pause in found if pause)


def pause_line(trace: Trace) -> Line:
    """How much of the request's time the garbage collector took; empty where none is known."""
    found = list(pauses(trace))
    if not found:
        return ()
    whole = format_duration(sum(pause.end_ns - pause.start_ns for pause in found))
    oldest = max(pause.generation for pause in found)
    times = "once" if len(found) == 1 else f"{len(found)} times"
    return line(Piece(f"garbage collection {times}, {whole}, up to generation {oldest}", "warning"))
