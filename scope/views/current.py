"""Where an open request is: the spans that have begun and not ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .jsonout import request_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import RequestSummary, Span, Trace
    from .jsonout import JsonObject

__all__ = ["Whereabouts", "open_object", "whereabouts"]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """``path`` leads from the root to the deepest open span (the latest of equally deep ones), both included.

    ``branches`` counts the open spans that have no open span below them: the things that go on at once.
    """

    path: tuple[Span, ...]
    branches: int

    @property
    def current(self) -> Span:
        return self.path[-1]


def whereabouts(trace: Trace) -> Whereabouts:
    path: list[Span] = []
    deepest: tuple[Span, ...] = (trace.root,)
    branches = 0
    for depth, span in trace.spans():
        del path[depth:]
        path.append(span)
        if not _is_open(span):
            continue
        branches += not any(map(_is_open, span.children))
        if (depth, span.start_ns) >= (len(deepest) - 1, deepest[-1].start_ns):
            deepest = tuple(path)
    return Whereabouts(deepest, max(branches, 1))


def open_object(request: RequestSummary, where: Whereabouts, fields: Sequence[str], now_ns: int) -> JsonObject:
    """The fields asked for, and where it is: ``current`` and the names that lead there, outermost first."""
    current = where.current
    return {
        **request_object(request, fields),
        "age_ns": max(now_ns - request.start_ns, 0),
        "current": {
            "span_id": current.span_id,
            "name": current.name,
            "kind": current.kind.name.lower(),
            "start_ns": current.start_ns,
            "age_ns": max(now_ns - current.start_ns, 0),
            "file": current.file,
            "line": current.line,
            "thread": current.thread,
        },
        "path": [span.name for span in where.path],
        "branches": where.branches,
    }


def _is_open(span: Span) -> bool:
    return span.duration_ns is None
