"""What was captured of a call while its events are being put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..model import CallValues, EventType, LineRun, Locals, ValuesKind
from ..wire import fields

if TYPE_CHECKING:
    from ..model import Attributes, AttributeValue, Event

MOST_YIELDED: Final = 64
MOST_LOCALS: Final = 64
"""More than a writer of ours records of one call."""


class ValuesDraft:
    """Takes in VALUES and LINES events of one span; of arguments and results the last ones count."""

    __slots__ = ("_arguments", "_has_result", "_left_out", "_lines", "_locals", "_result", "_yielded")

    def __init__(self) -> None:
        self._arguments: Attributes | None = None
        self._left_out = 0
        self._result: AttributeValue = None
        self._has_result = False
        self._yielded: list[AttributeValue] = []
        self._locals: list[Locals] = []
        self._lines: tuple[LineRun, ...] = ()

    def take_in(self, event: Event, offset_ns: int) -> None:
        """``offset_ns`` turns the event's time into Unix time."""
        values, kind = fields.attributes(event), fields.number(event, "what")
        if event.type is EventType.LINES:
            self._lines = tuple(LineRun(*run) for run in fields.line_runs(event))
        elif kind == ValuesKind.ARGUMENTS:
            self._arguments, self._left_out = values, fields.number(event, "left_out")
        elif kind == ValuesKind.RESULT:
            self._result, self._has_result = _only(values), True
        elif kind == ValuesKind.YIELDED and len(self._yielded) < MOST_YIELDED:
            self._yielded.append(_only(values))
        elif kind in {ValuesKind.LOCALS, ValuesKind.LOCALS_AT_ERROR} and len(self._locals) < MOST_LOCALS:
            self._locals.append(
                Locals(
                    time_ns=event.time_ns + offset_ns,
                    line=fields.number(event, "line"),
                    values=values,
                    at_error=kind == ValuesKind.LOCALS_AT_ERROR,
                    left_out=fields.number(event, "left_out"),
                )
            )

    def freeze(self, *, has_failed: bool) -> CallValues:
        """Where the call ``has_failed``, what it was about to return does not count."""
        return CallValues(
            arguments=self._arguments,
            result=None if has_failed else self._result,
            has_result=self._has_result and not has_failed,
            yielded=tuple(self._yielded),
            locals=tuple(self._locals),
            lines=self._lines,
            left_out=self._left_out,
        )


def _only(values: Attributes) -> AttributeValue:
    return next(iter(values.values()), None)
