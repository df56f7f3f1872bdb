"""A pytest plug-in under which every ASGI application of a foreign test suite runs inside ScopeMiddleware.

Starlette and FastAPI applications, mounted ones too, are wrapped where they are called. Other ASGI applications are
wrapped where a client takes them: Starlette's test client and the ASGI transports of httpx and httpx2.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from scope import ScopeMiddleware
from scope._core import get_session

if TYPE_CHECKING:
    from collections.abc import Callable

_seen = {"http": 0, "websocket": 0, "lifespan": 0}


class _Counted:
    """ScopeMiddleware around ``app``, and how often it was called."""

    def __init__(self, app: Any) -> None:
        self._app = ScopeMiddleware(app)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _seen[scope["type"]] += 1
        await self._app(scope, receive, send)


def _wrap_calls(framework: type[Starlette]) -> None:
    original = framework.__call__

    @functools.wraps(original)
    async def call(self: Starlette, scope: Any, receive: Any, send: Any) -> None:
        if type(self).__call__ is not call:  # FastAPI's calls Starlette's: a layer for each application, not each class
            await original(self, scope, receive, send)
            return
        if not hasattr(self, "_layer_of_scope"):
            self._layer_of_scope = _Counted(functools.partial(original, self))  # type: ignore[attr-defined]
        await self._layer_of_scope(scope, receive, send)  # type: ignore[attr-defined]

    framework.__call__ = call  # type: ignore[method-assign]


def _wrap_taken(client: Any, holder: Callable[[Any], Any]) -> None:
    original = client.__init__

    @functools.wraps(original)
    def init(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        if not isinstance(holder(self).app, Starlette):
            holder(self).app = _Counted(holder(self).app)

    client.__init__ = init


def _begin_session() -> None:
    """The first request opens files, which Starlette's suite forbids in the event loop: it is one of our own."""

    async def nothing(*_: Any) -> Any:
        """Answers nothing."""

    asyncio.run(_Counted(nothing)({"type": "http", "headers": []}, nothing, nothing))


def pytest_configure() -> None:
    _begin_session()
    _wrap_calls(Starlette)
    if importlib.util.find_spec("fastapi"):
        _wrap_calls(importlib.import_module("fastapi").FastAPI)
    _wrap_taken(TestClient, lambda client: client._transport)
    for module in ("httpx", "httpx2"):
        _wrap_taken(importlib.import_module(module).ASGITransport, lambda transport: transport)


def pytest_sessionfinish() -> None:
    """Tells what was wrapped, and whether it was traced to the end."""
    told = {"scopes": _seen, "traced": get_session() is not None}
    Path(os.environ["SUITE_WRAPPED"]).write_text(json.dumps(told), encoding="utf-8")
