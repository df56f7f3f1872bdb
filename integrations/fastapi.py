"""FastAPI, on top of Starlette: handlers of all kinds, dependencies with setup and teardown, and included routers.

FastAPI's own tracing over OpenTelemetry is another matter and stays as it is.
"""

# pyright: reportPrivateUsage=false
# FastAPI has no public place to hook in where an included route is served.
from __future__ import annotations

from copy import copy
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, Final
from weakref import finalize

from fastapi.dependencies.models import (
    _is_async_gen_callable,
    _is_coroutine_callable,
    _is_gen_callable,
)
from fastapi.exceptions import ValidationException
from fastapi.routing import (
    APIRoute,
    APIWebSocketRoute,
    _EffectiveRouteContext,
    _endpoint_context_cache,
    _extract_endpoint_context,
    _FrontendStaticFiles,
)
from starlette._utils import get_route_path

from .._core import MOUNTED_KEY, RouteHook
from ..capture.middleware import REQUEST_KEY
from ..model import SpanKind
from ._dependencies import trace_dependencies
from ._faults import report, report_unnamed
from ._handlers import recordable
from ._naming import name_of
from ._wrappers import (
    like_coroutine_function,
    original_of,
    wrap_async_generator,
    wrap_coroutine,
    wrap_function,
    wrap_generator,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from ._patches import Patches

__all__ = ["install"]

_TRACED: Final = "_scope_traced"
_INCLUDED: Final = ("fastapi", "effective_route_context")
"""Where a scope holds what serves a route whose router is included in another: a counterpart with the full path."""

_TOLD: Final = ("type", "loc", "msg")


def install(patches: Patches, _: ModuleType) -> None:
    for served in (APIRoute, APIWebSocketRoute, _EffectiveRouteContext):
        patches.add(served, _TRACED, value=False)
    patches.replace(APIRoute, "handle", partial(_trace_operation, patches))
    patches.replace(APIWebSocketRoute, "handle", partial(_trace_session, patches))
    patches.replace(_FrontendStaticFiles, "get_response_for_scope", _name_frontend)
    trace_dependencies(patches)


def _trace_operation(patches: Patches, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    hook = RouteHook(original, _TRACED, partial(_trace_endpoint, patches), report_unnamed, _INCLUDED)
    return update_wrapper(hook, original)


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
        report(f"the handler of {served.path} has no span of its own")


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
        if REQUEST_KEY in scope:
            try:
                # Frontends have no path parameters: what is left of the path without the file's is the template.
                place = get_route_path(scope).removesuffix(scope["fastapi"]["frontend_path"]).rstrip("/")
                scope[REQUEST_KEY].set_route(f"{scope.get(MOUNTED_KEY, '')}{place}/{{path}}")
            except Exception:
                report("a frontend is traced without its name")
        return original(self, scope)

    return like_coroutine_function(respond)


@recordable.register(ValidationException)
def _without_input(error: ValidationException) -> Exception:
    """``error`` without what the caller sent: a body that lacks its user name still has its password."""
    told = copy(error)
    errors = [{key: each[key] for key in _TOLD if key in each} for each in error.errors()]
    told._errors = errors  # noqa: SLF001 - a copy of our own
    return told.with_traceback(error.__traceback__)
