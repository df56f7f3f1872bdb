"""Puts ScopeMiddleware around the application that a server loads.

Uvicorn (also as a worker of gunicorn) says which application it loads; under every other server a Starlette or FastAPI
application wraps itself. Who has the middleware already is not traced twice: it passes through what is traced.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from .imports import when_imported

if TYPE_CHECKING:
    from types import ModuleType


def install() -> None:
    """Let the servers and frameworks that are imported from now on trace what they run."""
    when_imported("uvicorn.config", _uvicorn)
    when_imported("starlette.applications", _starlette)


def _uvicorn(module: ModuleType) -> None:
    config: Any = module.Config
    load = config.load

    def load_traced(self: Any) -> None:
        load(self)
        from ..capture import ScopeMiddleware  # noqa: PLC0415 - a program that serves nothing needs none of it

        self.loaded_app = ScopeMiddleware(self.loaded_app)

    config.load = load_traced


def _starlette(module: ModuleType) -> None:
    application: Any = module.Starlette
    call = application.__call__

    async def call_traced(self: Any, scope: Any, receive: Any, send: Any) -> None:
        if "scope.request" in scope or scope["type"] == "lifespan":
            await call(self, scope, receive, send)
            return
        own = cast("dict[str, Any]", self.__dict__)
        middleware = own.get("_scope_middleware")
        if middleware is None:
            from ..capture import ScopeMiddleware  # noqa: PLC0415 - as above

            middleware = own["_scope_middleware"] = ScopeMiddleware(partial(call, self))
        await middleware(scope, receive, send)

    application.__call__ = call_traced
