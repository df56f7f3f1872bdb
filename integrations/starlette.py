"""Starlette: routes by full template; spans for handlers, middlewares, exception handlers and background tasks.

Applications that were built before are covered too: classes are patched once, and what is to be known of one
application or route is learned when its first traced request comes by.
"""

from __future__ import annotations

from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, Final, cast

from starlette._utils import is_async_callable
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import Host, Mount, Route, WebSocketRoute

from .._core import MOUNTED_KEY, RouteHook, Span, StackHook, current_request
from ..capture.middleware import REQUEST_KEY
from ..model import SpanKind
from ._faults import report, report_unnamed
from ._naming import name_of
from ._routes import LEARNED, learn_mount, learn_route
from ._stack import STACK, learn_stack
from ._wrappers import like_coroutine_function

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from ._patches import Patches

__all__ = ["MOUNTED_KEY", "install"]

_REST: Final = "/{path}"
_HANDLER: Final = int(SpanKind.HANDLER)
_BACKGROUND: Final = int(SpanKind.BACKGROUND)


def install(patches: Patches, _: ModuleType) -> None:
    patches.add(ServerErrorMiddleware, STACK, None)
    for route in (Route, WebSocketRoute, Mount, Host):
        patches.add(route, LEARNED, None)
    patches.replace(ServerErrorMiddleware, "__call__", partial(_open_outermost, patches))
    patches.replace(Route, "handle", partial(_name_route, patches))
    patches.replace(WebSocketRoute, "handle", partial(_name_route, patches))
    patches.replace(Mount, "handle", partial(_enter_mount, patches, _mount_prefix))
    patches.replace(Host, "handle", partial(_enter_mount, patches, _host_prefix))
    patches.replace(HTTPEndpoint, "dispatch", _trace_method)
    patches.replace(WebSocketEndpoint, "dispatch", _trace_session)
    patches.replace(BackgroundTask, "__call__", _trace_task)


def _open_outermost(patches: Patches, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    return update_wrapper(StackHook(original, STACK, partial(learn_stack, patches, original)), original)


def _name_route(patches: Patches, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    return update_wrapper(RouteHook(original, LEARNED, partial(learn_route, patches), report_unnamed), original)


def _enter_mount(
    patches: Patches, prefix_of: Callable[[Any], str], original: Callable[..., Awaitable[None]]
) -> Callable[..., Awaitable[None]]:
    def handle(self: Any, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        request = scope.get(REQUEST_KEY)
        if request is not None:
            try:
                scope[MOUNTED_KEY] = mounted = scope.get(MOUNTED_KEY, "") + prefix_of(self)
                if _is_leaf(patches, self):
                    request.set_route(mounted + _REST)
            except Exception:
                report(f"{type(self)!r} is traced without its name")
        return original(self, scope, receive, send)

    return like_coroutine_function(handle)


def _is_leaf(patches: Patches, mount: Any) -> bool:
    learned = mount._scope_learned  # noqa: SLF001 - ours
    return learned[1] if learned is not None and learned[0] == id(mount) else learn_mount(patches, mount)


def _mount_prefix(mount: Any) -> str:
    return cast("str", mount.path_format).removesuffix(_REST)


def _host_prefix(host: Any) -> str:
    return cast("str", host.host_format)


def _trace_method(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    def dispatch(self: Any) -> Awaitable[None]:
        method = self.scope["method"]
        attribute = "get" if method == "HEAD" and not hasattr(self, "head") else method.lower()
        if current_request() is not None and attribute.upper() in self._allowed_methods:
            handler = getattr(self, attribute)
            run = _run_async if is_async_callable(handler) else _run
            # The endpoint lives for this one request.
            setattr(self, attribute, partial(run, f"{name_of(type(self))}.{attribute}", handler))
        return original(self)

    return like_coroutine_function(dispatch)


def _trace_session(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    def dispatch(self: Any) -> Awaitable[None]:
        if current_request() is None:
            return original(self)
        return _run_async(name_of(type(self)), original, self)

    return like_coroutine_function(dispatch)


def _run(name: str, handler: Callable[..., Any], *args: Any) -> Any:
    with Span(name, _HANDLER):
        return handler(*args)


async def _run_async(name: str, handler: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    with Span(name, _HANDLER):
        return await handler(*args)


def _trace_task(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def call(self: Any) -> None:
        if current_request() is None:
            await original(self)
            return
        with Span(name_of(self.func), _BACKGROUND):
            await original(self)

    return call
