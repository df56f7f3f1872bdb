"""``ScopeMiddleware``: gives each ASGI scope its correlation id and records it from its first event to its last.

It is stateless: what a request needs is in one native object per request, which the context variable and the ASGI scope
refer to. Order and content of ``receive`` and ``send`` pass unchanged, but for the correlation header.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any, Final

from .._core import begin_request
from ..config import ConfigError
from .process import install, logger, process

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from ..config import Config

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

REQUEST_KEY: Final = "scope.request"
"""Where an ASGI scope holds its Request while it runs."""


class ScopeMiddleware:
    """Traces an ASGI application, as :func:`scope.configure`, the environment and pyproject.toml say.

    Where the configuration is faulty, the application runs untraced and the log says why.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self._enabled = False
        self._header = b""
        self._trusted = False
        self._excluded: re.Pattern[str] | None = None
        self._unsettled: Config | None = None
        try:
            self._prepare(process.config)
        except ConfigError as error:
            logger.error("scope: requests are not traced: %s", error)

    def _prepare(self, config: Config) -> None:
        self._enabled = config.enabled
        self._header = config.capture.request_header.encode("ascii")
        self._trusted = config.capture.trust_headers
        if config.capture.exclude_paths:
            patterns = "|".join(fnmatch.translate(glob) for glob in config.capture.exclude_paths)
            self._excluded = re.compile(patterns)
        if self._enabled:
            install(process)
            _install_integrations(config)
            self._unsettled = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.trace(self.app, scope, receive, send)

    def trace(self, app: Application, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Run ``app`` as one request; as it is where capture is off or ``scope`` is already traced."""
        if not self._enabled or REQUEST_KEY in scope or (self._excluded and _has_path(scope, self._excluded)):
            return app(scope, receive, send)
        if self._unsettled is not None:
            self._settle(self._unsettled)
        if scope.get("type") == "lifespan":
            return self._lifespan(app, scope, receive, send)
        return self._exchange(app, scope, receive, send)

    def _settle(self, config: Config) -> None:
        """Meet what the server has imported after the application: its event loop."""
        self._unsettled = None
        _install_integrations(config)

    async def _exchange(self, app: Application, scope: Scope, receive: Receive, send: Send) -> None:
        request = begin_request(scope, self._header, self._trusted)
        if request is None:
            await app(scope, receive, send)
            return
        scope[REQUEST_KEY] = request
        before = request.activate()
        try:
            await app(scope, request.wrap_receive(receive), request.wrap_send(send))
        except BaseException as error:
            request.fail(error)
            raise
        finally:
            request.end(0)
            request.deactivate(before)

    async def _lifespan(self, app: Application, scope: Scope, receive: Receive, send: Send) -> None:
        """The life of the application; nobody's current request, for what it starts runs beside all requests."""
        request = begin_request(scope, self._header, self._trusted)
        try:
            await app(scope, receive, send)
        except BaseException as error:
            if request is not None:
                request.fail(error)
            raise
        finally:
            if request is not None:
                request.end(0)


def _has_path(scope: Scope, pattern: re.Pattern[str]) -> bool:
    path = scope.get("path")
    return isinstance(path, str) and pattern.match(path) is not None


def _install_integrations(config: Config) -> None:
    """Hook into the frameworks that are in use. What fails is logged: the middleware works without."""
    if config.integrations != "auto" and not config.integrations:
        return
    try:
        from ..integrations import install as install_integrations  # noqa: PLC0415 - not part of importing scope

        install_integrations(config.integrations)
    except Exception:
        logger.exception("scope: an integration could not be installed; requests are traced without it")
