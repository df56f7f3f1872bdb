"""A timed piece of work within a request, and what it carried."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .call import CallValues
    from .value import Attributes, AttributeValue


class SpanKind(IntEnum):
    """What a span stands for; the numbers are the wire's."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2
    HANDLER = 3
    DEPENDENCY = 4
    MIDDLEWARE = 5
    BACKGROUND = 6
    FUNCTION = 7
    DATABASE = 8
    EXCEPTION_HANDLER = 9


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a stack; ``in_app`` is false for the standard library and installed packages."""

    file: str
    function: str
    line: int
    in_app: bool


@dataclass(frozen=True, slots=True)
class ExceptionInfo:
    """An exception as it was recorded: qualified type name, bounded message, bounded stack (outermost frame first).

    ``escaped`` tells whether it left the span that recorded it; ``time_ns`` is Unix time in nanoseconds.
    """

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    escaped: bool = True
    time_ns: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment within a span; ``time_ns`` is Unix time in nanoseconds."""

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=dict[str, "AttributeValue"])


@dataclass(frozen=True, slots=True)
class Span:
    """A timed piece of work.

    ``span_id`` and ``parent_id`` are 16 hex digits; the root's ``parent_id`` is None. ``start_ns`` is Unix time in
    nanoseconds. ``duration_ns`` is None while the span is open or when its end was never recorded. ``status`` is one of
    "ok", "error", "cancelled", "open". ``children`` and ``marks`` are in order of time. ``thread`` names the thread it
    began in. ``spans_left_out`` counts the spans below it, at any depth, that the trace was assembled without,
    ``marks_left_out`` its own marks. ``values`` is what was captured of a call whose values are recorded.
    """

    span_id: str
    parent_id: str | None
    name: str
    kind: SpanKind
    start_ns: int
    duration_ns: int | None
    status: str
    attributes: Attributes = field(default_factory=dict[str, "AttributeValue"])
    exception: ExceptionInfo | None = None
    children: tuple[Span, ...] = ()
    thread: str = ""
    file: str = ""
    line: int = 0
    marks: tuple[Mark, ...] = ()
    spans_left_out: int = 0
    marks_left_out: int = 0
    values: CallValues | None = None
