"""A Starlette application's middleware stack: where its exchange is opened, and spans for what was added to it.

ScopeMiddleware that was added like any middleware stands inside ServerErrorMiddleware, which writes the 500 response
and calls the application's handler for it. So that both belong to the request too, the exchange is opened around
ServerErrorMiddleware, by the very ScopeMiddleware that is found inside; there, it is stepped over.
"""

from __future__ import annotations

from functools import partial
from itertools import takewhile
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router

from ..capture.middleware import ScopeMiddleware
from ..model import SpanKind
from ._chain import hold, insert, walk
from ._faults import report
from ._handlers import trace_handler, trace_handlers, untrace_handlers
from ._naming import factory_of, name_of
from ._wrappers import original_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from .._core import Tracer
    from ._patches import Patches

__all__ = ["STACK", "Stack", "is_somebodys", "learn_stack", "middleware_name"]

STACK: Final = "_scope_stack"
"""Attribute of a ServerErrorMiddleware that was met: what is known of the stack."""

_FRAMEWORKS: Final = (Router, ServerErrorMiddleware, ExceptionMiddleware, ScopeMiddleware)
_FRAMEWORK_MODULES: Final = ("fastapi.", "starlette.middleware.body_limit")


class Stack:
    """What is known of one ServerErrorMiddleware and what lies inside it.

    ``enter`` runs the stack as it would run without us, as a request; None where nothing inside it traces. ``prepared``
    tells whether spans were put into it.
    """

    __slots__ = ("_app", "_back", "_patches", "enter", "prepared")

    def __init__(self, patches: Patches, app: ASGIApp) -> None:
        self._patches = patches
        self._app = app
        self._back: Callable[[], None] | None = None
        self.enter: ASGIApp | None = None
        self.prepared = False

    def learn(self, entry: Any) -> None:
        """Look for the middleware that traces, and step over it: it is called outermost from now on."""
        for holder, app in _walk(entry):
            if isinstance(app, ScopeMiddleware):
                self._step_over(holder, app)
                self.prepare(entry)
                return

    def _step_over(self, holder: Any, middleware: ScopeMiddleware) -> None:
        try:
            hold(holder, middleware.app)
            self._back = partial(hold, holder, middleware)
        except (AttributeError, TypeError):  # frozen: it is run through, and sees that all is done
            if middleware.tracer is not None:
                self.enter = partial(_trace_but_lifespan, middleware.tracer, self._app)
        else:
            self.enter = self._app if middleware.tracer is None else partial(middleware.tracer, self._app)

    def prepare(self, entry: Any) -> None:
        """Put spans around the middlewares and exception handlers of the application; never raises."""
        self.prepared = True
        try:
            _trace_stack(self._patches, entry)
        except Exception:
            report("the middlewares of an application have no spans of their own")

    def forget(self) -> None:
        """Lead to the middleware again."""
        if self._back is not None:
            self._back()


def _trace_but_lifespan(tracer: Tracer, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    """The scope of a lifespan does not tell whether it is traced, and once is enough: ScopeMiddleware will do it."""
    if scope["type"] == "lifespan":
        return app(scope, receive, send)
    return tracer(app, scope, receive, send)


def learn_stack(patches: Patches, call: Callable[..., Awaitable[None]], entry: Any) -> Stack:
    """What is known of ``entry``, whose class's ``__call__`` was ``call``; never raises."""
    stack = Stack(patches, MethodType(call, entry))
    try:
        setattr(entry, STACK, stack)
        patches.remember(entry, _forget)
        stack.learn(entry)
    except Exception:
        report("an application is traced from where ScopeMiddleware stands, not from outermost")
    return stack


def is_somebodys(app: Any) -> bool:
    """Whether ``app`` was added by the application, not by the framework of its own accord nor by us."""
    module = app.__module__ if isinstance(app, FunctionType) else type(app).__module__
    return not isinstance(app, _FRAMEWORKS) and not module.startswith(_FRAMEWORK_MODULES)


def middleware_name(app: Any) -> str:
    """What people call a middleware: its class, or the function that it was made of."""
    if type(app) is BaseHTTPMiddleware:
        return name_of(app.dispatch_func)
    return factory_of(app)


def _trace_stack(patches: Patches, entry: Any) -> None:
    if entry.handler is not None:
        entry.handler = trace_handler(entry.handler)
        patches.remember(entry, _untrace_handler)
    for holder, app in _walk(entry):
        if isinstance(app, ExceptionMiddleware):
            trace_handlers(app)
            patches.remember(app, untrace_handlers)
        if is_somebodys(app):
            insert(patches, holder, middleware_name(app), SpanKind.MIDDLEWARE)


def _walk(entry: Any) -> Iterator[tuple[Any, Any]]:
    """The stack from ``entry`` inwards, up to an application with a stack of its own."""
    return takewhile(lambda link: not isinstance(link[1], Starlette), walk(entry))


def _untrace_handler(entry: Any) -> None:
    entry.handler = original_of(entry.handler)


def _forget(entry: Any) -> None:
    stack: Stack = getattr(entry, STACK)
    stack.forget()
    delattr(entry, STACK)
