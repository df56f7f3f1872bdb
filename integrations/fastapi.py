"""FastAPI, on top of Starlette: handlers of all kinds, dependencies with setup and teardown, and included routers.

FastAPI's own tracing over OpenTelemetry is another matter and stays as it is.
"""

# pyright: reportPrivateUsage=false
# FastAPI has no public place to hook in where a dependency is called and where an included route is served.
from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import finalize

from fastapi.dependencies import utils
from fastapi.dependencies.models import (
    _is_async_gen_callable,
    _is_coroutine_callable,
    _is_gen_callable,
)
from fastapi.routing import (
    APIRoute,
    APIWebSocketRoute,
    _EffectiveRouteContext,
    _endpoint_context_cache,
    _extract_endpoint_context,
    _FrontendStaticFiles,
)
from starlette._utils import get_route_path

from .._core import Span, current_request
from ..capture.middleware import REQUEST_KEY
from ..model import SpanKind
from ._naming import name_of
from ._wrappers import (
    like_coroutine_function,
    original_of,
    wrap_async_generator,
    wrap_coroutine,
    wrap_function,
    wrap_generator,
)
from .starlette import MOUNTED_KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager, AsyncExitStack
    from types import ModuleType, TracebackType

    from ._patches import Patches

__all__ = ["install"]

_TRACED: Final = "_scope_traced"
_DEPENDENCY: Final = int(SpanKind.DEPENDENCY)

logger: Final = logging.getLogger("scope")


def install(patches: Patches, _: ModuleType) -> None:
    for served in (APIRoute, APIWebSocketRoute, _EffectiveRouteContext):
        patches.add(served, _TRACED, value=False)
    patches.replace(APIRoute, "handle", partial(_trace_operation, patches))
    patches.replace(APIWebSocketRoute, "handle", partial(_trace_session, patches))
    patches.replace(_FrontendStaticFiles, "get_response_for_scope", _name_frontend)
    patches.replace(utils, "_is_coroutine_callable", _lead_to_one_door)
    patches.replace(utils, "run_in_threadpool", _trace_dependency)
    patches.replace(utils, "_solve_generator", _trace_generator)


def _trace_operation(patches: Patches, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    def handle(self: Any, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        request = scope.get(REQUEST_KEY)
        if request is not None:
            served = self
            if "fastapi" in scope:
                # A route of an included router is served by a counterpart that knows the full path.
                included = scope["fastapi"].get("effective_route_context")
                if included is not None and included.original_route is self:
                    served = included
                    mounted = scope.get(MOUNTED_KEY)
                    request.set_route(served.path_format if mounted is None else mounted + served.path_format)
            if not served._scope_traced:  # noqa: SLF001 - ours
                _trace_endpoint(patches, served)
        return original(self, scope, receive, send)

    return like_coroutine_function(handle)


def _trace_session(patches: Patches, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    def handle(self: Any, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        if REQUEST_KEY in scope and not self._scope_traced:
            _trace_endpoint(patches, self)
        return original(self, scope, receive, send)

    return like_coroutine_function(handle)


def _trace_endpoint(patches: Patches, served: Any) -> None:
    """Put a span around each run of what ``served`` calls; never raises."""
    try:
        setattr(served, _TRACED, True)
        patches.remember(served, _untrace_endpoint)
        call = served.dependant.call
        served.dependant.call = traced = _traced(call)
        # FastAPI tells in its errors where an endpoint is, and looks that up by the endpoint's id.
        _endpoint_context_cache[id(traced)] = _extract_endpoint_context(call)
        finalize(traced, _endpoint_context_cache.pop, id(traced), None).atexit = False
    except Exception:
        logger.exception("scope: the handler of %r has no span of its own", served)


def _untrace_endpoint(served: Any) -> None:
    delattr(served, _TRACED)
    served.dependant.call = original_of(served.dependant.call)


def _traced(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call`` with a span, by FastAPI's own notion of what it is."""
    if _is_async_gen_callable(call):
        wrap = wrap_async_generator
    elif _is_gen_callable(call):
        wrap = wrap_generator
    elif _is_coroutine_callable(call):
        wrap = wrap_coroutine
    else:
        wrap = wrap_function
    return wrap(call, name_of(call), SpanKind.HANDLER)


def _name_frontend(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    def respond(self: Any, scope: Any) -> Awaitable[Any]:
        request = scope.get(REQUEST_KEY)
        if request is not None:
            # Frontends have no path parameters: what is left of the path without the file's is the template.
            place = get_route_path(scope).removesuffix(scope["fastapi"]["frontend_path"]).rstrip("/")
            request.set_route(f"{scope.get(MOUNTED_KEY, '')}{place}/{{path}}")
        return original(self, scope)

    return like_coroutine_function(respond)


# FastAPI awaits an asynchronous dependency on the spot, where nothing can come between, and gives every other one to
# run_in_threadpool. So in a traced request no dependency is said to be asynchronous, and all of them come here.


def _lead_to_one_door(original: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def is_coroutine_callable(call: Any) -> bool:
        return current_request() is None and original(call)

    return is_coroutine_callable


def _trace_dependency(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def run(call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if _is_coroutine_callable(call):
            with Span(name_of(call), _DEPENDENCY):
                return await call(*args, **kwargs)
        if current_request() is None:
            return await original(call, *args, **kwargs)
        return await original(partial(_run, name_of(call), call), *args, **kwargs)

    return run


def _run(name: str, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    with Span(name, _DEPENDENCY):
        return call(*args, **kwargs)


def _trace_generator(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    def solve(*, dependant: Any, stack: AsyncExitStack, **others: Any) -> Awaitable[Any]:
        if current_request() is None:
            return original(dependant=dependant, stack=stack, **others)
        return original(dependant=dependant, stack=_Stack(stack, name_of(dependant.call)), **others)

    return like_coroutine_function(solve)


class _Stack:
    """The exit stack that a dependency is entered on, with spans put around its two halves."""

    __slots__ = ("_name", "_stack")

    def __init__(self, stack: AsyncExitStack, name: str) -> None:
        self._stack = stack
        self._name = name

    def enter_async_context(self, dependency: AbstractAsyncContextManager[Any]) -> Awaitable[Any]:
        return self._stack.enter_async_context(_Halves(dependency, self._name))


class _Halves:
    """A dependency with ``yield``: a span up to it, and one from there on when the stack unwinds."""

    __slots__ = ("_dependency", "_name")

    def __init__(self, dependency: AbstractAsyncContextManager[Any], name: str) -> None:
        self._dependency = dependency
        self._name = name

    async def __aenter__(self) -> Any:
        with Span(self._name, _DEPENDENCY):
            return await self._dependency.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        with Span(f"{self._name} (teardown)", _DEPENDENCY):
            return await self._dependency.__aexit__(kind, error, traceback)
