"""Who held the loop, in lines: what a request waited for, and who waited for it."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from .format import format_duration
from .header import label
from .lines import Piece, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import ProcessEvent
    from .blame import Blame, Theft
    from .lines import Line

__all__ = ["blame_lines"]

_SHOWN: Final = 3


def blame_lines(blame: Blame, least_ns: int) -> Iterator[Line]:
    """Lines on what the request waited for, then on who waited for it; none of what is shorter than ``least_ns``."""
    if blame.waited_ns >= least_ns:
        yield from _as_victim(blame, least_ns)
    felt = [theft for theft in blame.taken if theft.stolen_ns >= least_ns]
    if felt:
        yield from _as_culprit(blame, felt)


def _as_victim(blame: Blame, least_ns: int) -> Iterator[Line]:
    yield line(Piece(f"waited {format_duration(blame.waited_ns)} for its loop", "warning"))
    known = [(theft.stolen_ns, *_by_request(theft, least_ns)) for theft in blame.stolen]
    known += [(theft.stolen_ns, *_outside(theft.example)) for theft in blame.outside]
    known.sort(key=itemgetter(0), reverse=True)
    told = [each for each in known[:_SHOWN] if each[0] >= least_ns]
    for stolen_ns, who, where in told:
        yield line(Piece(f"  {format_duration(stolen_ns)} for {who}", "warning"), Piece(where, "dim"))
    yield from _rest([stolen_ns for stolen_ns, _, _ in known[len(told) :]], "for")
    if blame.unexplained_ns >= least_ns:
        unread = f", or one of {blame.holders_skipped} that were too many to read" if blame.holders_skipped else ""
        text = f"  {format_duration(blame.unexplained_ns)} for what no stored request did{unread}"
        yield line(Piece(text, "warning"))


def _by_request(theft: Theft, least_ns: int) -> tuple[str, str]:
    worth_telling = theft.paused_ns >= least_ns
    paused = f", {format_duration(theft.paused_ns)} of it garbage collection" if worth_telling else ""
    return f"{label(theft.culprit)} in {theft.function}", f", id {theft.culprit.id}{paused}"


def _outside(event: ProcessEvent) -> tuple[str, str]:
    """What held the loop in no request, and where that is written."""
    if event.kind == "gc":
        return "garbage collection", " outside any request"
    since = "left over by a request that had ended" if event.left_over else "outside any request"
    place = f", {event.file}:{event.line}" if event.file else ""
    return event.name or "(unnamed)", f" {since}{place}"


def _as_culprit(blame: Blame, felt: Sequence[Theft]) -> Iterator[Line]:
    sum_ns = sum(theft.stolen_ns for theft in felt)
    waited = "1 request" if len(felt) == 1 else f"{len(felt)} requests"
    text = f"held its loop {format_duration(blame.held_ns)} at a stretch, in {felt[0].function}"
    yield line(Piece(f"{text}: {waited} waited {format_duration(sum_ns)} for it", "warning"))
    for theft in felt[:_SHOWN]:
        text = f"  {format_duration(theft.stolen_ns)} of {label(theft.victim)}, id {theft.victim.id}"
        yield line(Piece(text, "dim"))
    yield from _rest([theft.stolen_ns for theft in felt[_SHOWN:]], "of")
    if blame.waiters_skipped:
        yield line(Piece(f"  and perhaps of {blame.waiters_skipped} that were too many to read", "dim"))


def _rest(stolen_ns: Sequence[int], preposition: str) -> Iterator[Line]:
    if stolen_ns:
        yield line(Piece(f"  {format_duration(sum(stolen_ns))} {preposition} {len(stolen_ns)} more", "dim"))
