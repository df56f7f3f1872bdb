"""A span while its events are being put together; frozen into a :class:`Span` when all of them have been seen."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from ..model import Mark, Outcome, Span, SpanKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import Attributes, AttributeValue, Definition, ExceptionInfo
    from .values_draft import ValuesDraft

START_LOST: Final = "scope.start_lost"
PARENT_LOST: Final = "scope.parent_lost"
_NO_NAME: Final = "(unnamed)"
_STATUSES: Final[dict[int, str]] = {
    Outcome.OK: "ok",
    Outcome.EXCEPTION: "error",
    Outcome.CANCELLED: "cancelled",
    Outcome.DISCONNECTED: "cancelled",
}
_NO_ATTRIBUTES: Final[Attributes] = {}


class SpanDraft:
    """What is known so far of the span ``number``; ``first_ns`` and ``end_ns`` are CLOCK_MONOTONIC.

    A draft that no begin was seen for starts at the first sign of it. ``level``, ``is_dropped`` and ``spans_left_out``
    are for :class:`Drafts` where it may keep some only.
    """

    __slots__ = (
        "_attributes",
        "_marks",
        "begun",
        "children",
        "depth",
        "end_ns",
        "exception",
        "file",
        "first_ns",
        "is_dropped",
        "kind",
        "level",
        "line",
        "marks_left_out",
        "name",
        "number",
        "outcome",
        "parent",
        "spans_left_out",
        "thread",
        "up",
        "values",
    )

    def __init__(self, number: int, first_ns: int, thread: str) -> None:
        self.number = number
        self.first_ns = first_ns
        self.thread = thread
        self.begun = False
        self.end_ns: int | None = None
        self.outcome: int = Outcome.OK
        self.parent = 0
        self.name = ""
        self.kind = SpanKind.INTERNAL
        self.file = ""
        self.line = 0
        self.exception: ExceptionInfo | None = None
        self.up: SpanDraft | None = None
        self.depth = 0
        self.level = 0
        self.is_dropped = False
        self.spans_left_out = 0
        self.marks_left_out = 0
        self.children: list[Span] = []
        self.values: ValuesDraft | None = None
        self._attributes: dict[str, AttributeValue] | None = None
        self._marks: list[Mark] | None = None

    @property
    def attributes(self) -> Attributes:
        return self._attributes or _NO_ATTRIBUTES

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(sorted(self._marks, key=attrgetter("time_ns"))) if self._marks else ()

    def annotate(self, attributes: Mapping[str, AttributeValue]) -> None:
        if not attributes:
            return
        if self._attributes is None:
            self._attributes = {}
        self._attributes.update(attributes)

    def mark(self, name: str, time_ns: int, attributes: Attributes = _NO_ATTRIBUTES) -> None:
        """Add a moment, in Unix time."""
        if self._marks is None:
            self._marks = []
        self._marks.append(Mark(name or _NO_NAME, time_ns, attributes))

    def define(self, definition: Definition) -> None:
        """Take name and place from what the site id stands for."""
        self.name = definition.name
        self.file = definition.file
        self.line = definition.line

    def catch(self, exception: ExceptionInfo) -> ExceptionInfo | None:
        """Keep the last exception that escaped, else the last; what is not kept, or no longer, is returned."""
        other = self.exception
        if other is not None and other.escaped and not exception.escaped:
            other = exception
        else:
            self.exception = exception
        return other

    def end(self, end_ns: int, outcome: int) -> None:
        """The first end counts."""
        if self.end_ns is None:
            self.end_ns = end_ns
            self.outcome = outcome

    def status(self, state: str) -> str:
        """How the span ended in a request whose state is ``state``.

        A span without an end is "cancelled" where the death of its process cut it off; otherwise it is "open": it runs
        still, outlived its request, or its end was lost. An exception that left it is an error either way.
        """
        if self.end_ns is not None:
            return _STATUSES.get(self.outcome, "ok")
        if self.exception is not None and self.exception.escaped:
            return "error"
        return "cancelled" if state == "aborted" else "open"

    def freeze(self, span_id: str, parent_id: str, offset_ns: int, state: str) -> Span:
        """The span, with the children it has been given; ``offset_ns`` turns its times into Unix time."""
        duration = None if self.end_ns is None else max(0, self.end_ns - self.first_ns)
        return Span(
            span_id=span_id,
            parent_id=parent_id,
            name=self.name or _NO_NAME,
            kind=self.kind,
            start_ns=self.first_ns + offset_ns,
            duration_ns=duration,
            status=self.status(state),
            attributes=self.attributes,
            exception=self.exception,
            children=tuple(self.children),
            thread=self.thread,
            file=self.file,
            line=self.line,
            marks=self.marks,
            spans_left_out=self.spans_left_out,
            marks_left_out=self.marks_left_out,
            values=self.values.freeze(has_failed=self.outcome != Outcome.OK) if self.values is not None else None,
        )
