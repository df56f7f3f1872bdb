"""Two traces over each other, in lines and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from .diff import changed_places
from .format import format_duration
from .header import completeness, label, status_pieces
from .jsonout import request_object
from .lines import Piece, line
from .table import Column, table_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..model import RequestSummary
    from .diff import Aligned, Side, TraceDiff
    from .jsonout import JsonObject
    from .lines import Line, Role

__all__ = ["WORTH_TELLING_NS", "diff_lines", "diff_object", "place_object"]

WORTH_TELLING_NS: Final = 1_000_000
"""A change of time that is smaller is no change to people."""

_COLUMNS: Final = (
    Column("a", right=True),
    Column("b", right=True),
    Column("time a", right=True),
    Column("time b", right=True),
    Column("change", right=True),
    Column("", flexible=True),
)
_DEEPEST: Final = 40


def diff_lines(diff: TraceDiff, width: int | None, *, everything: bool) -> Iterator[Line]:
    """Both requests, then what differs with the way to it, or everything."""
    for name, request in (("a", diff.a), ("b", diff.b)):
        yield line(Piece(f"{name}  ", "dim"), *_request(request))
    if not diff.is_whole:
        yield line(
            Piece("not all spans were read: the requests are too large; counts are of those that were", "warning")
        )
    kept = range(len(diff.places)) if everything else sorted(changed_places(diff, WORTH_TELLING_NS))
    yield ()
    if kept:
        yield from table_lines(_COLUMNS, [_row(diff.places[index]) for index in kept], width)
    if not diff.is_different:
        yield line(Piece("no difference: the same calls, the same failures", "good"))


def _request(request: RequestSummary) -> Iterable[Piece]:
    yield Piece(label(request), "strong")
    for piece in (*status_pieces(request), Piece(format_duration(request.duration_ns), "number")):
        yield from (Piece("  "), piece)
    yield Piece(f"  id {request.id}", "dim")
    if not request.complete:
        yield from (Piece("  "), completeness(request))


def _row(place: Aligned) -> Sequence[Piece]:
    role: Role = "warning" if place.is_different else "text"
    return (
        Piece(_calls(place.a), role),
        Piece(_calls(place.b), role),
        Piece(_time(place.a), "number"),
        Piece(_time(place.b), "number"),
        Piece(_signed(place.change_ns), "error" if place.change_ns >= WORTH_TELLING_NS else "dim"),
        Piece(f"{'  ' * min(place.depth, _DEEPEST)}{place.name}", "strong" if place.is_different else "name"),
    )


def _calls(side: Side) -> str:
    return f"{side.calls} ({side.failed} failed)" if side.failed else str(side.calls)


def _time(side: Side) -> str:
    return format_duration(side.total_ns) if side.calls else ""


def _signed(change_ns: int) -> str:
    return f"{'+' if change_ns > 0 else ''}{format_duration(change_ns)}"


def diff_object(diff: TraceDiff) -> JsonObject:
    """``a`` and ``b``, the requests; ``different``; ``whole``; ``places``: parents before children, with ``depth``."""
    return {
        "a": request_object(diff.a),
        "b": request_object(diff.b),
        "different": diff.is_different,
        "whole": diff.is_whole,
        "places": [place_object(each) for each in diff.places],
    }


def place_object(place: Aligned) -> JsonObject:
    return {
        "name": place.name,
        "kind": place.kind.name.lower(),
        "depth": place.depth,
        "different": place.is_different,
        "change_ns": place.change_ns,
        "a": asdict(place.a),
        "b": asdict(place.b),
    }
