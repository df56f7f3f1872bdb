"""Puts ScopeMiddleware around the application that a server loads.

Uvicorn (also as a worker of gunicorn) says which application it loads; under every other server a Starlette or FastAPI
application wraps itself. Who has the middleware already is not traced twice: it passes through what is traced.
"""

from __future__ import annotations

import logging
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from .imports import when_imported
from .probing import probing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

logger = logging.getLogger("scope")


def install() -> None:
    """Let the servers and frameworks that are imported from now on trace what they run.

    One that is not as it is known runs as it would have; the log says so.
    """
    for name, hook in HOOKS.items():
        when_imported(name, partial(_try, hook))


def _try(hook: Callable[[ModuleType], None], module: ModuleType) -> None:
    try:
        hook(module)
    except Exception:
        logger.exception("scope: %s is not as it is known: what it runs is not traced", module.__name__)


def _uvicorn(module: ModuleType) -> None:
    config: Any = module.Config
    load = config.load

    def load_traced(self: Any) -> None:
        if isinstance(self.app, str):
            probing.found_application(self.app)
        load(self)
        probing.catch_up()
        from ..capture import ScopeMiddleware  # noqa: PLC0415 - a program that serves nothing needs none of it

        self.loaded_app = ScopeMiddleware(self.loaded_app)

    config.load = load_traced


def _starlette(module: ModuleType) -> None:
    application: Any = module.Starlette
    call = application.__call__

    async def call_traced(self: Any, scope: Any, receive: Any, send: Any) -> None:
        probing.catch_up()
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


HOOKS: Final[Mapping[str, Callable[[ModuleType], None]]] = MappingProxyType(
    {"uvicorn.config": _uvicorn, "starlette.applications": _starlette}
)
"""What is done to which module; the bootstrap knows their names, too."""
