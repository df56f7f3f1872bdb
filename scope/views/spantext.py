"""The words for a node of the tree: its name, and what else is worth a glance."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from ..model import SpanKind
from .attributes import brief_attributes, value_text
from .format import format_duration
from .header import CALLER
from .lines import Piece
from .pauses import pause_of
from .valuetext import call_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import Attributes, ExceptionInfo, Mark, Span
    from .fold import Node
    from .lines import Role

__all__ = ["detail_pieces", "duration_text", "location", "mark_text", "name_pieces", "short_type"]

_KIND_WORDS = {
    SpanKind.CLIENT: "client",
    SpanKind.HANDLER: "handler",
    SpanKind.DEPENDENCY: "dependency",
    SpanKind.MIDDLEWARE: "middleware",
    SpanKind.BACKGROUND: "background",
    SpanKind.DATABASE: "database",
    SpanKind.EXCEPTION_HANDLER: "exception handler",
}


_LOSSES = {"scope.start_lost": "begin lost", "scope.parent_lost": "parent lost"}
_IN_HEADER = CALLER | frozenset(
    {
        "http.request.method",
        "url.path",
        "http.route",
        "http.response.status_code",
        "http.request.body.size",
        "http.response.body.size",
        "error.type",
    }
)
"""What the root carries for exporters; people read it above the spans."""


def name_pieces(node: Node) -> Iterator[Piece]:
    """``✗ ×214 SELECT users``: failure, how many are folded, the name, and how much below it is left out."""
    if node.first.status == "error":
        yield Piece("✗ ", "error")
    if node.count > 1:
        yield Piece(f"×{node.count} ", "strong")
    yield Piece(node.first.name, _name_role(node.first))
    if node.count == 1 and node.first.values is not None:
        arguments, result = call_text(node.first.values)
        yield Piece(arguments, "dim")
        yield Piece(f" {result}".rstrip(), "dim")
    if not_shown := sum(span.spans_left_out for span in node.spans):
        yield Piece(f"  … {not_shown} more spans below, not shown", "warning")


def _name_role(span: Span) -> Role:
    if span.status == "error":
        return "error"
    return "strong" if span.parent_id is None else "name"


def duration_text(node: Node, state: str) -> str:
    """How long it took, all of the folded together; or that it has not ended, in a request of that ``state``."""
    if node.count == 1 and node.first.duration_ns is None:
        return "open" if state == "open" else "no end"
    return format_duration(node.total_ns)


def mark_text(mark: Mark) -> str:
    """The mark's name; of a loss, how much it was and why; of a pause, how long it was."""
    if pause := pause_of(mark):
        return str(pause)
    if "scope.lost" not in mark.attributes:
        return mark.name
    lost, reason = mark.attributes["scope.lost"], mark.attributes.get("scope.loss_reason")
    return f"{value_text(lost)} events lost ({value_text(reason)})"


def detail_pieces(node: Node, thread: str, *, value_length: int | None = None) -> Iterator[Piece]:
    """What follows the name; ``thread`` is the one that needs no mention."""
    span = node.first
    if span.kind in _KIND_WORDS:
        yield Piece(_KIND_WORDS[span.kind], "dim")
    if span.status == "cancelled":
        yield Piece("cancelled", "warning")
    if node.count > 1:
        yield Piece(_spread(node), "number")
        return
    for word in (word for name, word in _LOSSES.items() if name in span.attributes):
        yield Piece(word, "warning")
    yield Piece(brief_attributes(_told_nowhere_else(span), value_length=value_length), "dim")
    if span.thread and span.thread != thread:
        yield Piece(f"in {span.thread}", "dim")


def _told_nowhere_else(span: Span) -> Attributes:
    known = _IN_HEADER | _LOSSES.keys() if span.parent_id is None else _LOSSES.keys()
    return {name: value for name, value in span.attributes.items() if name not in known}


def _spread(node: Node) -> str:
    durations = [span.duration_ns for span in node.spans if span.duration_ns is not None]
    if not durations:
        return "all open"
    return f"{format_duration(min(durations))} to {format_duration(max(durations))} each"


def location(file: str, line: int) -> str:
    """Where it is in the source, by the last two parts of the path."""
    return f"{'/'.join(PurePath(file).parts[-2:])}:{line}" if file else ""


def short_type(exception: ExceptionInfo) -> str:
    """The exception's type without its module."""
    return exception.type.rpartition(".")[2]
