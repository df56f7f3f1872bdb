"""Exception handlers of a Starlette application: a span for each run, and the exception on record though handled."""

from __future__ import annotations

from functools import singledispatch, wraps
from typing import TYPE_CHECKING, Any, Final

from starlette._utils import is_async_callable
from starlette.exceptions import HTTPException, WebSocketException

from .._core import Span, current_request, record_error
from ..model import SpanKind
from ._faults import report
from ._naming import name_of
from ._wrappers import mark, original_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["recordable", "trace_handler", "trace_handlers", "untrace_handlers"]

_KIND: Final = int(SpanKind.EXCEPTION_HANDLER)


def trace_handlers(middleware: Any) -> None:
    """Put spans around the handlers of an ExceptionMiddleware."""
    for table in _tables(middleware):
        for key, handler in list(table.items()):
            table[key] = trace_handler(handler)


def untrace_handlers(middleware: Any) -> None:
    """Undo :func:`trace_handlers`."""
    for table in _tables(middleware):
        for key, handler in list(table.items()):
            table[key] = original_of(handler)


def trace_handler(handler: Callable[..., Any]) -> Callable[..., Any]:
    """``handler`` with a span that tells the exception.

    What a handler or a dependency raised is on record already and is not recorded again.
    """
    name = name_of(handler)
    if is_async_callable(handler):

        @wraps(handler)
        async def handle_async(connection: Any, error: Exception) -> Any:
            if current_request() is None:
                return await handler(connection, error)
            with Span(name, _KIND):
                _record(error)
                return await handler(connection, error)

        return mark(handle_async, handler)

    @wraps(handler)
    def handle(connection: Any, error: Exception) -> Any:
        if current_request() is None:
            return handler(connection, error)
        with Span(name, _KIND):
            _record(error)
            return handler(connection, error)

    return mark(handle, handler)


@singledispatch
def recordable(error: Exception) -> Exception | None:
    """What is put on record of ``error`` when it is handled; None for nothing."""
    return error


@recordable.register(HTTPException)
def _http(error: HTTPException) -> Exception | None:
    # By raising, the framework answers 404 for an unknown path, or 405. Those are no errors.
    return error if error.status_code >= 500 else None


@recordable.register(WebSocketException)
def _websocket(_: WebSocketException) -> None:
    return None


def _record(error: Exception) -> None:
    try:
        told = recordable(error)
        if told is not None:
            record_error(told)
    except Exception:
        report(f"a handled {type(error).__qualname__} is not on record")


def _tables(middleware: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
    return middleware._exception_handlers, middleware._status_handlers  # noqa: SLF001 - where Starlette keeps them
