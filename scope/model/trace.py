"""One request whole: its summary and its tree of spans."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .async_task import AsyncTask
    from .request import RequestSummary
    from .span import Span
    from .step import Step


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many spans, marks, steps and tasks of the records a trace was assembled without: they were too many."""

    spans: int = 0
    marks: int = 0
    steps: int = 0
    tasks: int = 0

    def __bool__(self) -> bool:
        return bool(self.spans or self.marks or self.steps or self.tasks)


@dataclass(frozen=True, slots=True)
class Trace:
    """A request and its spans.

    ``root`` is the request's own span; spans whose parent was lost hang below it. ``request`` is the same summary that
    lists show. ``steps`` are in order of their ends; there are none where the event loop was not watched. ``tasks`` are
    the asyncio tasks that it made, by time. ``left_out`` counts what the trace was assembled without; the spans say
    where.
    """

    request: RequestSummary
    root: Span
    steps: tuple[Step, ...] = ()
    left_out: LeftOut = field(default_factory=LeftOut)
    tasks: tuple[AsyncTask, ...] = ()

    def spans(self) -> Iterator[tuple[int, Span]]:
        """Every span with its depth (the root's is 0), parents before children, siblings by start."""
        stack = [(0, self.root)]
        while stack:
            depth, span = stack.pop()
            yield depth, span
            stack.extend((depth + 1, child) for child in reversed(span.children))
