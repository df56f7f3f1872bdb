"""A pytest plug-in under which every ASGI application of a foreign test suite runs inside ScopeMiddleware.

Starlette and FastAPI applications, mounted ones too, are wrapped where they are called. Other ASGI applications are
wrapped where a client takes them: Starlette's test client and the ASGI transports of httpx and httpx2.
"""

from __future__ import annotations

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
        app = functools.partial(original, self)
        # FastAPI's __call__ calls Starlette's: one layer for each application, not for each class.
        outermost = type(self).__call__ is call
        await (_Counted(app) if outermost else app)(scope, receive, send)

    framework.__call__ = call  # type: ignore[method-assign]


def _wrap_taken(client: Any, holder: Callable[[Any], Any]) -> None:
    original = client.__init__

    @functools.wraps(original)
    def init(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        if not isinstance(holder(self).app, Starlette):
            holder(self).app = _Counted(holder(self).app)

    client.__init__ = init


def pytest_configure() -> None:
    _wrap_calls(Starlette)
    if importlib.util.find_spec("fastapi"):
        _wrap_calls(importlib.import_module("fastapi").FastAPI)
    _wrap_taken(TestClient, lambda client: client._transport)
    for module in ("httpx", "httpx2"):
        _wrap_taken(importlib.import_module(module).ASGITransport, lambda transport: transport)


def pytest_sessionfinish() -> None:
    Path(os.environ["SUITE_WRAPPED"]).write_text(json.dumps(_seen), encoding="utf-8")
