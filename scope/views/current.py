"""Where an open request is: the spans that have begun and not ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..model import Span, Trace

__all__ = ["Whereabouts", "whereabouts"]


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


def _is_open(span: Span) -> bool:
    return span.duration_ns is None
