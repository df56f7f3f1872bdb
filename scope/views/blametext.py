"""Who held the loop, in lines: what a request waited for, and who waited for it."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from .blame import held_longest_ns, thefts, thefts_by, thefts_outside, waited_ns
from .format import format_duration
from .header import label
from .lines import Piece, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model import ProcessEvent, Trace
    from .blame import OutsideTheft, Theft
    from .lines import Line

__all__ = ["WORTH_TELLING_NS", "Beside", "blame_lines"]

WORTH_TELLING_NS: Final = 10_000_000
"""A wait for the loop, or a step that held it, that is shorter is not traced to anybody."""

_SHOWN: Final = 3


class Beside(NamedTuple):
    """Requests of the same process and time; ``skipped`` counts those that were too big to be read.

    ``events`` are what happened there and then outside any request.
    """

    traces: Sequence[Trace]
    skipped: int = 0
    events: Sequence[ProcessEvent] = ()


def blame_lines(trace: Trace, neighbours: Callable[[], Beside]) -> Iterator[Line]:
    """Lines on the thefts in which the request is victim, then on those in which it is culprit.

    ``neighbours`` is asked only where there is something to tell.
    """
    waited = waited_ns(trace) >= WORTH_TELLING_NS
    held = held_longest_ns(trace) >= WORTH_TELLING_NS
    if not (waited or held):
        return
    others, skipped, events = neighbours()
    if waited:
        yield from _as_victim(trace, thefts(trace, others), thefts_outside(trace, events), skipped)
    if held:
        yield from _as_culprit(trace, thefts_by(trace, others))


def _as_victim(trace: Trace, found: list[Theft], outside: list[OutsideTheft], skipped: int) -> Iterator[Line]:
    told = [(theft.stolen_ns, *_by_request(theft)) for theft in found]
    told += [(theft.stolen_ns, *_outside(theft.example)) for theft in outside]
    for stolen_ns, who, where in sorted(told, key=itemgetter(0), reverse=True)[:_SHOWN]:
        if stolen_ns >= WORTH_TELLING_NS:
            yield line(Piece(f"blocked {format_duration(stolen_ns)} by {who}", "warning"), Piece(where, "dim"))
    unknown_ns = waited_ns(trace) - sum(stolen_ns for stolen_ns, _, _ in told)
    if unknown_ns >= WORTH_TELLING_NS:
        too_big = f", or one of {skipped} with too many events to look at" if skipped else ""
        yield line(Piece(f"blocked {format_duration(unknown_ns)} by what no stored request did{too_big}", "warning"))


def _by_request(theft: Theft) -> tuple[str, str]:
    worth_telling = theft.paused_ns >= WORTH_TELLING_NS
    paused = f", {format_duration(theft.paused_ns)} of it garbage collection" if worth_telling else ""
    return label(theft.culprit), f" in {theft.function}, id {theft.culprit.id}{paused}"


def _outside(event: ProcessEvent) -> tuple[str, str]:
    """What held the loop in no request, and where that is written."""
    if event.kind == "gc":
        return "garbage collection", " outside any request"
    since = "left over by a request that had ended" if event.left_over else "outside any request"
    place = f", {event.file}:{event.line}" if event.file else ""
    return event.name or "(unnamed)", f" {since}{place}"


def _as_culprit(trace: Trace, found: list[Theft]) -> Iterator[Line]:
    felt = [theft for theft in found if theft.stolen_ns >= WORTH_TELLING_NS]
    if not felt:
        return
    sum_ns = sum(theft.stolen_ns for theft in felt)
    requests = "1 request" if len(felt) == 1 else f"{len(felt)} requests"
    yield line(
        Piece(
            f"held its loop {format_duration(held_longest_ns(trace))} at a stretch, in {felt[0].function}:"
            f" {requests} waited {format_duration(sum_ns)} for it",
            "warning",
        ),
    )
    for theft in felt[:_SHOWN]:
        text = f"  {format_duration(theft.stolen_ns)} of {label(theft.victim)}, id {theft.victim.id}"
        yield line(Piece(text, "dim"))
