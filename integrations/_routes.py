"""What is done to a Starlette route when its first traced request comes by: spans for its middlewares and handler."""

from __future__ import annotations

from functools import partial
from itertools import takewhile
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import Router, request_response, websocket_session

from ..model import SpanKind
from ._chain import insert, walk
from ._faults import report
from ._naming import name_of
from ._stack import is_somebodys, middleware_name
from ._wrappers import mark, original_of, wrap_coroutine, wrap_function

if TYPE_CHECKING:
    from types import CellType

    from ._patches import Patches

__all__ = ["LEARNED", "learn_mount", "learn_route"]

LEARNED: Final = "_scope_learned"
"""Attribute of a route that was met; of a mount, its id (FastAPI copies mounts) and whether it is a leaf."""

# What request_response and websocket_session return. Their one variable is the handler; for a synchronous handler it is
# a partial of run_in_threadpool.
_HANDLER_CODES: Final = frozenset(
    cast("FunctionType", make(cast("Any", None))).__code__ for make in (request_response, websocket_session)
)


def learn_route(patches: Patches, route: Any) -> None:
    """Put spans around the middlewares and the handler of ``route``; never raises."""
    try:
        setattr(route, LEARNED, True)
        patches.remember(route, _forget)
        _trace_chain(patches, list(walk(route)), leaf=True)
    except Exception:
        report(f"the handler of {route!r} has no span of its own")


def learn_mount(patches: Patches, mount: Any) -> bool:
    """Put spans around what is mounted; whether it is a leaf: no router in it will name the route. Never raises."""
    leaf = False
    try:
        chain = list(walk(mount, getattr(mount, "_base_app", mount.app)))
        leaf = not any(isinstance(app, (Starlette, Router)) for _, app in chain)
        setattr(mount, LEARNED, (id(mount), leaf))
        patches.remember(mount, _forget)
        _trace_chain(patches, chain, leaf=leaf)
    except Exception:
        report(f"what is mounted at {mount!r} has no span of its own")
    return leaf


def _forget(route: Any) -> None:
    if LEARNED in vars(route):
        delattr(route, LEARNED)


def _trace_chain(patches: Patches, chain: list[tuple[Any, Any]], *, leaf: bool) -> None:
    """Spans for the applications of ``chain``; in a leaf, the last one handles and all others are middlewares."""
    apps = list(takewhile(lambda link: not isinstance(link[1], Starlette), chain))
    for holder, app in apps:
        if isinstance(app, FunctionType) and app.__code__ in _HANDLER_CODES:
            _trace_handler(patches, app)
        elif is_somebodys(app):
            kind = SpanKind.HANDLER if leaf and app is apps[-1][1] else SpanKind.MIDDLEWARE
            insert(patches, holder, middleware_name(app), kind)


def _trace_handler(patches: Patches, app: FunctionType) -> None:
    cell = _cell(app)
    cell.cell_contents = _traced(cell.cell_contents)
    patches.remember(app, _untrace_handler)


def _untrace_handler(app: Any) -> None:
    cell = _cell(app)
    cell.cell_contents = original_of(cell.cell_contents)


def _cell(app: FunctionType) -> CellType:
    return cast("tuple[CellType]", app.__closure__)[0]


def _traced(call: Any) -> Any:
    if original_of(call) is not call:
        return call
    if getattr(call, "func", None) is run_in_threadpool:
        handler = call.args[0]
        return mark(partial(run_in_threadpool, wrap_function(handler, name_of(handler), SpanKind.HANDLER)), call)
    return wrap_coroutine(call, name_of(call), SpanKind.HANDLER)
