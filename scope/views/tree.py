"""A trace as a tree of text: when each span began, how long it took, what it was."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from .attributes import brief_attributes
from .fold import FOLD_AT, nodes
from .format import format_duration
from .lines import Line, Piece, line
from .spantext import detail_pieces, duration_text, location, mark_text, name_pieces, short_type
from .tasktext import left_over, made_in, task_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import AsyncTask, ExceptionInfo, Mark, Span, Trace
    from .fold import Node, Placed
    from .lines import Role

__all__ = ["tree_lines"]

_FRAMES = 3
_IN_WORDS = frozenset({"scope.lost", "scope.loss_reason", "gc.duration_ns", "gc.generation"})


def tree_lines(
    trace: Trace, *, fold_at: int = FOLD_AT, shortest_ns: int = 0, value_length: int | None = None
) -> Iterator[Line]:
    """The tree, one line a node, and below it its marks and the exception that came out of it first.

    The columns are the start relative to the request's and the duration. Attribute values of more than
    ``value_length`` characters are cut; ``fold_at`` and ``shortest_ns`` are those of :func:`fold.nodes`.
    """
    rows = [_Row("start", "duration", (Piece("span", "dim"),)), *_rows(trace, fold_at, shortest_ns, value_length)]
    starts = max(len(row.start) for row in rows)
    durations = max(len(row.duration) for row in rows)
    for row in rows:
        start, duration = Piece(f"{row.start:>{starts}}", "dim"), Piece(f"{row.duration:>{durations}}", "number")
        yield line(start, "  ", duration, "  ", *row.text)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line, its columns not yet aligned."""

    start: str
    duration: str
    text: Line


def _rows(trace: Trace, fold_at: int, shortest_ns: int, value_length: int | None) -> Iterator[_Row]:
    origin_ns, thread = trace.root.start_ns, trace.root.thread
    raised, tasks = _first_raisers(trace), made_in(trace)
    in_background = False
    for placed in nodes(trace, fold_at=fold_at, shortest_ns=shortest_ns):
        if placed.background and not in_background and placed.depth == 1:
            yield _Row(format_duration(trace.request.duration_ns), "", (Piece("│  after the response", "dim"),))
        in_background = placed.background
        yield _row(placed, trace, detail_pieces(placed.node, thread, value_length=value_length))
        yield from _marks(placed, origin_ns, value_length)
        if placed.node.count == 1:
            made = tasks.get(placed.node.first.span_id, ())
            yield from _tasks(made, placed.below, origin_ns, fold_at, shortest_ns)
        if placed.node.first.span_id in raised:
            yield from _exception(placed)

    if apart := left_over(trace):
        yield _Row("", "", (Piece("tasks that outlived the request", "dim"),))
        yield from _tasks(apart, "", origin_ns, fold_at, shortest_ns)


def _tasks(tasks: Iterable[AsyncTask], indent: str, origin_ns: int, fold_at: int, shortest_ns: int) -> Iterator[_Row]:
    for start_ns, duration_ns, text in task_lines(tasks, fold_at=fold_at, shortest_ns=shortest_ns):
        lasted = "no end" if duration_ns is None else format_duration(duration_ns)
        yield _Row(format_duration(start_ns - origin_ns), lasted, (Piece(f"{indent}⧗ ", "dim"), *text))


def _row(placed: Placed, trace: Trace, details: Iterator[Piece]) -> _Row:
    node = placed.node
    start, duration = (
        format_duration(node.first.start_ns - trace.root.start_ns),
        duration_text(node, trace.request.state),
    )
    spaced = (piece for detail in details if detail.text for piece in (Piece("  "), detail))
    return _Row(start, duration, (Piece(placed.guide, "dim"), *name_pieces(node), *spaced, *_source(node)))


def _source(node: Node) -> Iterator[Piece]:
    where = location(node.first.file, node.first.line)
    if where:
        yield Piece(f"  {where}", "dim")
    exception = node.first.exception
    if exception is not None:
        yield Piece(f"  {short_type(exception)}", "error")


def _marks(placed: Placed, origin_ns: int, value_length: int | None) -> Iterator[_Row]:
    """The moments within the span, equal neighbours folded as spans are."""
    if placed.node.count > 1:
        return
    for text, group in groupby(placed.node.first.marks, mark_text):
        marks = list(group)
        if len(marks) >= FOLD_AT:
            yield _mark(placed, marks[0], f"×{len(marks)} {text}", origin_ns, None)
        else:
            yield from (_mark(placed, mark, text, origin_ns, value_length) for mark in marks)
    if not_shown := placed.node.first.marks_left_out:
        text = f"… {not_shown} more marks, not shown"
        yield _Row("", "", (Piece(f"{placed.below}◆ ", "dim"), Piece(text, "warning")))


def _mark(placed: Placed, mark: Mark, text: str, origin_ns: int, value_length: int | None) -> _Row:
    told = {name: value for name, value in mark.attributes.items() if name not in _IN_WORDS}
    role: Role = "warning" if len(told) < len(mark.attributes) else "text"
    attributes = Piece(f"  {brief_attributes(told, value_length=value_length)}".rstrip(), "dim")
    line = (Piece(f"{placed.below}◆ ", "dim"), Piece(text, role), attributes)
    return _Row(format_duration(mark.time_ns - origin_ns), "", line)


def _exception(placed: Placed) -> Iterator[_Row]:
    exception = placed.node.first.exception
    assert exception is not None
    message = f"{exception.type}: {exception.message}" if exception.message else exception.type
    yield _Row("", "", (Piece(placed.below, "dim"), Piece(message, "error")))
    for frame in _frames(exception):
        yield _Row("", "", (Piece(f"{placed.below}  {frame}", "dim"),))


def _frames(exception: ExceptionInfo) -> Iterator[str]:
    """The innermost frames of the application, or of anything if it has none there."""
    own = [frame for frame in exception.frames if frame.in_app] or list(exception.frames)
    for frame in reversed(own[-_FRAMES:]):
        yield f"at {location(frame.file, frame.line)} in {frame.function}"


def _first_raisers(trace: Trace) -> frozenset[str]:
    """Ids of the spans whose exception did not come from a span below: those that tell it in full."""
    below: dict[str, set[tuple[str, str]]] = {}
    first: set[str] = set()
    for _, span in reversed(list(trace.spans())):
        known = {identity for child in span.children for identity in below.get(child.span_id, ())}
        identity = _identity(span)
        if identity is not None and identity not in known:
            first.add(span.span_id)
            known.add(identity)
        if known:
            below[span.span_id] = known
    return frozenset(first)


def _identity(span: Span) -> tuple[str, str] | None:
    return (span.exception.type, span.exception.message) if span.exception else None
