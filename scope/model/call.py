"""What was captured of one call of a function, besides its times."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .value import Attributes, AttributeValue


class ValuesKind(IntEnum):
    """What a record of values holds; the numbers are the wire's."""

    ARGUMENTS = 0
    RESULT = 1
    YIELDED = 2
    LOCALS = 3
    LOCALS_AT_ERROR = 4


@dataclass(frozen=True, slots=True)
class Locals:
    """Local variables at a moment: Unix time in nanoseconds.

    ``line`` is the one about to run; 0: the function is being left, with an exception where ``at_error``.
    ``left_out`` counts variables that there was no room for.
    """

    time_ns: int
    line: int
    values: Attributes
    at_error: bool = False
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class LineRun:
    """A line that ran ``count`` times; ``duration_ns`` passed from its beginnings to the next line's, in all."""

    line: int
    count: int
    duration_ns: int


@dataclass(frozen=True, slots=True)
class CallValues:
    """Of a call whose values are recorded.

    ``arguments`` is None where they were not captured or the record is lost; ``has_result`` tells a result of None from
    none. ``yielded`` are the first values that a generator yielded. ``left_out`` counts arguments without room.
    """

    arguments: Attributes | None = None
    result: AttributeValue = None
    has_result: bool = False
    yielded: tuple[AttributeValue, ...] = ()
    locals: tuple[Locals, ...] = ()
    lines: tuple[LineRun, ...] = ()
    left_out: int = 0
