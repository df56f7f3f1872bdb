"""The shape of a trace, short enough to be compared at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scope.model import Span, SpanKind, Trace


def spans(trace: Trace, kind: SpanKind | None = None) -> list[Span]:
    """The spans of ``kind``, or all but the root, in order of the tree."""
    return [span for depth, span in trace.spans() if depth and kind in {None, span.kind}]


def names(trace: Trace, kind: SpanKind | None = None) -> list[str]:
    return [span.name for span in spans(trace, kind)]


def tree(trace: Trace) -> list[str]:
    """Every span but the root, indented below its parent."""
    return ["  " * (depth - 1) + span.name for depth, span in trace.spans() if depth]
