"""What is recorded within a request, one call after the other: functions, spans, marks, annotations, exceptions."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from .. import annotate, mark, span
from .._core import REQUEST_KEY, RouteHook, begin_request, set_call_limits
from ..instrument.plan import Level, Plan, Rule
from ..instrument.transform.binding import bind
from ..instrument.transform.compiling import compile_plain, compile_source
from ..model import EventType
from ..wire.layout import WORD_BYTES
from ..wire.values import encode_attributes
from .timing import added_ps

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from .._core import Request
    from ..model import AttributeValue

Row = tuple[int, int, int]
"""Type of record, picoseconds of one, of each word of payload beyond the least that the type has."""

HELD_BACK: Final = 0
_MODULE: Final = "calibrated"
_SOURCE: Final = b"def called(amount=7, name='some text'):\n    return amount\n"
_NO_LIMIT: Final = 1 << 30
_FEW: Final[dict[str, AttributeValue]] = {"n": 1}
_MANY: Final[dict[str, AttributeValue]] = {f"number {index}": "some text" for index in range(8)}
_DEPTH: Final = 8
_FRAME_WORDS: Final = 10
"""About what a frame takes up: two names, a line."""


def call_rows() -> list[Row]:
    """The costs of what a request records, measured within one."""
    request = begin_request({"type": "http", "method": "GET", "path": "/", "headers": []}, b"x-request-id", True)  # noqa: FBT003 - positional only
    if request is None:
        raise RuntimeError("nothing is recorded here, so nothing can be measured")
    before = request.activate()
    try:
        word = _word_ps()
        opened = added_ps(_span, _nothing)
        marked = added_ps(lambda: mark("moment"), _nothing)
        return [
            *_function_rows(word),
            (EventType.SPAN_BEGIN, opened // 2, word),
            (EventType.SPAN_END, opened // 2, word),
            (EventType.MARK, marked, word),
            (EventType.LEDGER, marked, 0),  # written alike
            (EventType.ANNOTATION, added_ps(lambda: annotate(n=1), _nothing), word),
            _exception_row(opened),
            (EventType.REQUEST_ROUTE, _route_ps(request), 0),
        ]
    finally:
        request.deactivate(before)
        request.end(0)


def _nothing() -> None:
    pass


def _span() -> None:
    with span("work"):
        pass


def _handle(*_: object) -> Any:
    """Stands for a coroutine function; nobody awaits what it gives."""


def _nothing_of(*_: object) -> None:
    pass


def _route_ps(request: Request) -> int:
    """What stands in for a framework's method that handles a route, and names the request by it."""
    route = SimpleNamespace(path_format="/items/{id}", learned=True)
    arguments = (route, {"type": "http", REQUEST_KEY: request}, None, None)
    hook = RouteHook(_handle, "learned", _nothing_of, _nothing_of)
    return added_ps(lambda: hook(*arguments), lambda: _handle(*arguments))


def _word_ps() -> int:
    words = (len(encode_attributes(_MANY)) - len(encode_attributes(_FEW))) / WORD_BYTES
    return round(added_ps(lambda: annotate(**_MANY), lambda: annotate(**_FEW)) / words)


def _function_rows(word_ps: int) -> list[Row]:
    """A call is two records; one that is held back is none, and the probe's cost nevertheless.

    Its values are two more, one before and one after; what they take beyond their words is put down to each alike.
    """
    plain = _defined(compile_plain(_SOURCE, _MODULE))
    timed, valued, lined = (_recorded(level) for level in (Level.TIMING, Level.VALUES, Level.LINES))
    set_call_limits(_NO_LIMIT, _NO_LIMIT)
    recorded = added_ps(timed, plain)
    values = added_ps(valued, timed)
    lines = added_ps(lined, valued)
    set_call_limits(0, 0)
    held_back = added_ps(timed, plain)
    set_call_limits(_NO_LIMIT, _NO_LIMIT)
    return [
        (EventType.FUNCTION_ENTER, recorded // 2, 0),
        (EventType.FUNCTION_EXIT, recorded // 2, 0),
        (EventType.VALUES, values // 2, word_ps),
        (EventType.LINES, lines, word_ps),
        (HELD_BACK, held_back, 0),
    ]


def _recorded(level: Level) -> Callable[[], None]:
    planned = compile_source(Plan((Rule(_MODULE, level),)), _MODULE, _MODULE, _SOURCE)
    if planned is None:
        raise RuntimeError("a function that the Plan wants was left as it is")
    return _defined(bind(planned, _MODULE))


def _defined(code: CodeType) -> Callable[[], None]:
    names: dict[str, Callable[[], None]] = {}
    exec(code, names)  # noqa: S102 - the source is above
    return names["called"]


def _exception_row(span_ps: int) -> Row:
    shallow, deep = (_raised_ps(depth) for depth in (1, _DEPTH))
    return (
        EventType.EXCEPTION,
        max(shallow - span_ps, 0),
        max(deep - shallow, 0) // ((_DEPTH - 1) * _FRAME_WORDS),
    )


def _raised_ps(depth: int) -> int:
    """An exception that leaves a span, so deep below it."""

    def fail(left: int = depth) -> None:
        if left:
            fail(left - 1)
        raise ValueError("as it is meant to")

    def recorded() -> None:
        with suppress(ValueError), span("work"):
            fail()

    def plain() -> None:
        with suppress(ValueError):
            fail()

    return added_ps(recorded, plain, repetitions=5)
