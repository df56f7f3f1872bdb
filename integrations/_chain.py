"""The chain of ASGI applications that a middleware stack is, and the spans put between its links.

Each link holds the next one: as its attribute ``app`` (the convention of Starlette and of all middlewares for it), as a
router's ``middleware_stack``, or, where a function made it, as that function's variable ``app``. Where a middleware
hides the next application elsewhere the walk ends: what lies behind it is traced without spans of its own.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, cast

from starlette._utils import is_async_callable

from .._core import Span, current_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from ..model import SpanKind
    from ._patches import Patches

__all__ = ["Layer", "hold", "insert", "walk"]

_LONGEST: Final = 200
_ATTRIBUTES: Final = ("app", "middleware_stack")


class Layer:
    """A span around each call of ``app``, and its stand-in: all other attributes and the class are those of ``app``."""

    __slots__ = ("__weakref__", "_kind", "_name", "app")

    def __init__(self, app: Any, name: str, kind: SpanKind) -> None:
        self.app = app
        self._name = name
        self._kind = int(kind)

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] == "lifespan" or current_request() is None:
            await self.app(scope, receive, send)
            return
        with Span(self._name, self._kind):
            await self.app(scope, receive, send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.app, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in Layer.__slots__:
            object.__setattr__(self, name, value)
        else:
            setattr(self.app, name, value)

    # isinstance() asks it; to checkers it is no property.
    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]
        return type(cast("object", self.app))


def walk(start: object, last: object = None) -> Iterator[tuple[Any, Any]]:
    """Pairs of (holder, application that it holds) from ``start`` inwards, without the layers put between them.

    ``last`` is where to stop if it is a function: what it calls ``app`` may be anything.
    """
    holder: Any = start
    for _ in range(_LONGEST):
        app = _held(holder)
        if app is None or (holder is last and isinstance(holder, FunctionType)):
            return
        yield holder, app
        holder = app


def insert(patches: Patches, holder: Any, name: str, kind: SpanKind) -> None:
    """Put a span around each call that ``holder`` makes to the application that it holds, if it lets us."""
    with suppress(AttributeError, TypeError):  # frozen, or with slots that leave no room for the way back
        weakref.ref(holder)
        hold(holder, Layer(_held(holder), name, kind))
        patches.remember(holder, _remove)


def _remove(holder: Any) -> None:
    hold(holder, _held(holder))


def _held(holder: Any) -> Any:
    owner, name = _place(holder)
    app = getattr(owner, name) if name else None
    return app.app if type(app) is Layer else app


def hold(holder: Any, app: Any) -> None:
    """Make ``app`` the next application of ``holder``. AttributeError or TypeError where it does not let us."""
    owner, name = _place(holder)
    setattr(owner, name, app)


def _place(holder: Any) -> tuple[Any, str]:
    """Where ``holder`` keeps the next application: an object and the name of its attribute, empty for nowhere.

    What is not awaited is no ASGI application: what holds it may be a bridge to WSGI.
    """
    if isinstance(holder, FunctionType):
        cell = dict(zip(holder.__code__.co_freevars, holder.__closure__ or (), strict=True)).get("app")
        return (cell, "cell_contents") if cell and is_async_callable(cell.cell_contents) else (holder, "")
    for name in _ATTRIBUTES:
        app = getattr(holder, name, None)
        if is_async_callable(app) and not isinstance(app, MethodType):
            return holder, name
    return holder, ""
