"""One request whole: its summary and its tree of spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .request import RequestSummary
    from .span import Span
    from .step import Step


@dataclass(frozen=True, slots=True)
class Trace:
    """A request and its spans.

    ``root`` is the request's own span; spans whose parent was lost hang below it. ``request`` is the same summary that
    lists show. ``steps`` are in order of their ends; there are none where the event loop was not watched.
    """

    request: RequestSummary
    root: Span
    steps: tuple[Step, ...] = ()

    def spans(self) -> Iterator[tuple[int, Span]]:
        """Every span with its depth (the root's is 0), parents before children, siblings by start."""
        stack = [(0, self.root)]
        while stack:
            depth, span = stack.pop()
            yield depth, span
            stack.extend((depth + 1, child) for child in reversed(span.children))
