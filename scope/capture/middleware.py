"""``ScopeMiddleware``: gives each ASGI scope its correlation id and records it from its first event to its last.

It is stateless: what a request needs is in one native object per request, which the context variable refers to, and the
ASGI scope under ``REQUEST_KEY``. Order and content of ``receive`` and ``send`` pass unchanged, but for the correlation
header.
"""

from __future__ import annotations

import fnmatch
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from .._core import REQUEST_KEY, Tracer
from ..config import ConfigError
from .process import install, logger, process

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from ..config import Config

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["REQUEST_KEY", "ScopeMiddleware"]


class ScopeMiddleware:
    """Traces an ASGI application, as :func:`scope.configure`, the environment and pyproject.toml say.

    Where the configuration is faulty, the application runs untraced and the log says why. ``tracer`` runs applications
    as requests, as this one does; None where nothing is to be traced.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self.tracer: Tracer | None = None
        try:
            self._prepare(process.config)
        except ConfigError as error:
            logger.error("scope: requests are not traced: %s", error)

    def _prepare(self, config: Config) -> None:
        header = config.capture.request_header.encode("ascii")
        if config.enabled:
            is_excluded = _exclusion(config.capture.exclude_paths)
            # Once more before the first request: the server has imported its event loop after the application.
            settle = partial(_install_integrations, config)
            self.tracer = Tracer(header, config.capture.trust_headers, is_excluded, settle)
            install(process)
            _install_integrations(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.tracer is None:
            await self.app(scope, receive, send)
        else:
            await self.tracer(self.app, scope, receive, send)


def _exclusion(globs: Sequence[str]) -> Callable[[Scope], bool] | None:
    """What tells the scopes that are not to be traced by their path; None where all are."""
    if not globs:
        return None
    pattern = re.compile("|".join(fnmatch.translate(glob) for glob in globs))

    def is_excluded(scope: Scope) -> bool:
        path = scope.get("path")
        return isinstance(path, str) and pattern.match(path) is not None

    return is_excluded


def _install_integrations(config: Config) -> None:
    """Hook into the frameworks that are in use. What fails is logged: the middleware works without."""
    if config.integrations != "auto" and not config.integrations:
        return
    try:
        from ..integrations import install as install_integrations  # noqa: PLC0415 - not part of importing scope

        install_integrations(config.integrations)
    except Exception:
        logger.exception("scope: an integration could not be installed; requests are traced without it")
