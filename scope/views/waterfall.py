"""A trace as bars over time.

Below the axis stands what the request was doing: ``█`` running, ``▓`` in a thread, ``╱`` waiting for its loop, ``┄``
waiting for a thread, ``─`` awaiting.

Work is solid; what ran after the response is shaded and stands below a rule; what has not ended is dashed. Folded spans
share a row, each at its place. Failures carry a cross, so that none of this hangs on colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .fold import FOLD_AT, Placed, nodes
from .header import background_ns
from .lines import Line, Piece, clip, line, line_width
from .spantext import detail_pieces, duration_text, name_pieces, short_type
from .states import states
from .statetext import paint_states
from .timeline import Scale, Strip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import Span, Trace

__all__ = ["waterfall_lines"]

_UNBOUNDED_COLUMNS = 64
_LEAST_COLUMNS = 16
_LEAST_WORDS = 4
_VALUE_LENGTH = 32
_GAP = "  "


def waterfall_lines(
    trace: Trace, *, width: int | None = None, fold_at: int = FOLD_AT, shortest_ns: int = 0
) -> Iterator[Line]:
    """An axis, then one row a node: duration, name, bar, and what fits of its details.

    No line is wider than ``width`` columns (of at least 60); without a width nothing is cut.
    """
    rows = list(nodes(trace, fold_at=fold_at, shortest_ns=shortest_ns))
    drawing = _Drawing.of(trace, rows, width)
    yield drawing.axis()
    if trace.steps:
        yield drawing.doing()
    ruled = False
    for placed in rows:
        if placed.background and placed.depth == 1 and not ruled:
            ruled = True
            yield drawing.rule()
        yield drawing.row(placed)


@dataclass(frozen=True, slots=True)
class _Drawing:
    trace: Trace
    scale: Scale
    duration_columns: int
    name_columns: int
    bounded: bool

    @classmethod
    def of(cls, trace: Trace, rows: Sequence[Placed], width: int | None) -> _Drawing:
        duration_columns = max(len(duration_text(placed.node, trace.request.state)) for placed in rows)
        name_columns = max(line_width(_name(placed)) for placed in rows)
        columns = _UNBOUNDED_COLUMNS
        if width is not None:
            name_columns = min(name_columns, max(width * 2 // 5, _LEAST_COLUMNS))
            columns = max(width - duration_columns - name_columns - 2 * len(_GAP), _LEAST_COLUMNS)
        start_ns = trace.root.start_ns
        scale = Scale(start_ns, max(_end_ns(trace) - start_ns, 1), columns)
        return cls(trace, scale, duration_columns, name_columns, width is not None)

    @property
    def response_end_ns(self) -> int:
        return self.trace.request.start_ns + self.trace.request.duration_ns

    @property
    def lead(self) -> int:
        """Columns left of the bars."""
        return self.duration_columns + self.name_columns + 2 * len(_GAP)

    def axis(self) -> Line:
        return line(Piece(" " * self.lead + self.scale.axis(), "dim"))

    def doing(self) -> Line:
        """What the request was doing at each moment."""
        strip = Strip(self.scale)
        paint_states(strip, states(self.trace))
        name = " " * (self.duration_columns + len(_GAP)) + "doing"
        return line(Piece(f"{name:<{self.lead}}", "dim"), *strip.pieces())

    def rule(self) -> Line:
        strip = Strip(self.scale)
        strip.mark(self.response_end_ns, "┼", "dim")
        cells = "".join(piece.text for piece in strip.pieces()).replace(" ", "─")
        return line(Piece(f"{'── after the response ':─<{self.lead}}"[: self.lead] + cells, "dim"))

    def row(self, placed: Placed) -> Line:
        duration = Piece(f"{duration_text(placed.node, self.trace.request.state):>{self.duration_columns}}", "number")
        name = _padded(_name(placed), self.name_columns, left=False)
        return line(duration, _GAP, *name, _GAP, *self._bars(placed))

    def _bars(self, placed: Placed) -> Line:
        """The bars, and where the row has room for them, right or left of the bars, the details."""
        strip = Strip(self.scale)
        for span in placed.node.spans:
            self._paint(strip, span, placed)
        first, last = strip.extent()
        details = _details(placed, self.trace.root.thread, bounded=self.bounded)
        right, left = self.scale.columns - last - 1, first - 1
        if self.bounded and line_width(details) > right and left > right:
            return (*_padded(details, left), Piece(" "), *strip.pieces(first))
        shown = _clipped(details, right) if self.bounded else details
        return (*strip.pieces(0, last), Piece(" " if shown else ""), *shown)

    def _paint(self, strip: Strip, span: Span, placed: Placed) -> None:
        start_ns = span.start_ns
        if span.duration_ns is None:
            tip = "▶" if self.trace.request.state == "open" else "?"
            strip.texture(start_ns, self.scale.start_ns + self.scale.total_ns, "╌", "bar-open", tip=tip)
        elif placed.background:
            strip.texture(start_ns, start_ns + span.duration_ns, "▒", "bar-background")
        else:
            self._paint_solid(strip, span, start_ns + span.duration_ns)
        for mark in span.marks:
            is_loss = "scope.lost" in mark.attributes
            strip.mark(mark.time_ns, "!" if is_loss else "◆", "warning" if is_loss else "strong")

    def _paint_solid(self, strip: Strip, span: Span, end_ns: int) -> None:
        """Work of the response; the root's own bar goes on, shaded, until the background work has ended."""
        strip.bar(span.start_ns, end_ns, "bar-error" if span.status == "error" else "bar")
        after_ns = background_ns(self.trace) if span is self.trace.root else 0
        if after_ns:
            strip.texture(self.response_end_ns, self.response_end_ns + after_ns, "▒", "bar-background")


def _end_ns(trace: Trace) -> int:
    """When the last of it ended, as far as it is known."""
    request = trace.request
    ends = [span.start_ns + (span.duration_ns or 0) for _, span in trace.spans()]
    return max(*ends, request.start_ns + request.duration_ns + background_ns(trace))


def _name(placed: Placed) -> Line:
    return line(Piece(placed.guide, "dim"), *name_pieces(placed.node))


def _details(placed: Placed, thread: str, *, bounded: bool) -> Line:
    exception = placed.node.first.exception
    failure = (Piece(short_type(exception), "error"),) if exception else ()
    details = detail_pieces(placed.node, thread, value_length=_VALUE_LENGTH if bounded else None)
    return tuple(piece for detail in (*failure, *details) if detail.text for piece in (Piece(" "), detail))[1:]


def _clipped(pieces: Line, columns: int) -> Line:
    """As much of ``pieces`` as goes into ``columns``."""
    kept: list[Piece] = []
    if columns < _LEAST_WORDS:
        return ()
    for piece in pieces:
        text = clip(piece.text, columns - line_width(kept))
        kept.append(Piece(text, piece.role))
        if text != piece.text:
            break
    return tuple(kept)


def _padded(pieces: Line, columns: int, *, left: bool = True) -> Line:
    """Exactly ``columns`` of ``pieces`` and blanks."""
    kept = _clipped(pieces, columns)
    blanks = Piece(" " * (columns - line_width(kept)))
    return (blanks, *kept) if left else (*kept, blanks)
