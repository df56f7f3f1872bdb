"""httpx and httpx2: a span for every request that a traced request sends, and the trace handed on in its headers.

Headers that the application set are left alone, and the request is the application's own again when it was sent. The
query is not recorded. Redirects and authentication belong to the one span; a streamed response's ends with its headers.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from .._core import Request, Span, current_request
from ..capture.process import process
from ..model import SpanKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType, TracebackType

    from ._patches import Patches

__all__ = ["install"]

_CLIENT: Final = int(SpanKind.CLIENT)
_NAMES_MAX: Final = 256


def install(patches: Patches, library: ModuleType) -> None:
    exchange = partial(_Exchange, _Names(), process.config.capture.request_header)
    patches.replace(library.Client, "send", partial(_trace, exchange))
    patches.replace(library.AsyncClient, "send", partial(_trace_async, exchange))


def _trace(exchange: Callable[[Any, Any], _Exchange], original: Callable[..., Any]) -> Callable[..., Any]:
    def send(self: Any, request: Any, **options: Any) -> Any:
        traced = current_request()
        if traced is None:
            return original(self, request, **options)
        with exchange(traced, request) as sent:
            return sent.answered(original(self, request, **options))

    return send


def _trace_async(
    exchange: Callable[[Any, Any], _Exchange], original: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    async def send(self: Any, request: Any, **options: Any) -> Any:
        traced = current_request()
        if traced is None:
            return await original(self, request, **options)
        with exchange(traced, request) as sent:
            return sent.answered(await original(self, request, **options))

    return send


class _Names(dict[tuple[str, str], str]):
    """Span names by method and host; a crawler's many hosts do not fill the segment's definitions."""

    def __missing__(self, key: tuple[str, str]) -> str:
        method, host = key
        if len(self) >= _NAMES_MAX:
            return method
        self[key] = name = f"{method} {host}"
        return name


class _Exchange:
    """One request sent and answered: its span, and the headers that it carries meanwhile."""

    __slots__ = ("_added", "_header", "_request", "_span", "_traced")

    def __init__(self, names: _Names, request_header: str, traced: Request, request: Any) -> None:
        self._traced = traced
        self._request = request
        self._header = request_header
        self._added: dict[str, str] = {}
        url = request.url
        attributes = {"http.request.method": request.method, "server.address": url.host, "url.path": url.path}
        if url.port is not None:
            attributes["server.port"] = url.port
        self._span = Span(names[request.method, url.host], _CLIENT, attributes)

    def __enter__(self) -> Self:
        self._span.__enter__()
        headers = self._request.headers
        if "traceparent" not in headers:
            self._add("traceparent", self._traced.traceparent)
            if self._traced.tracestate is not None and "tracestate" not in headers:
                self._add("tracestate", self._traced.tracestate)
        if self._header not in headers:
            self._add(self._header, self._traced.id)
        return self

    def answered(self, response: Any) -> Any:
        self._span.annotate(**{"http.response.status_code": response.status_code})
        later = getattr(response, "next_request", None)
        if later is not None:  # a redirect that is left to the application
            self._clean(later)
        return response

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A request may be sent again, in another trace.
        self._clean(self._request)
        self._span.__exit__(kind, error, traceback)

    def _add(self, name: str, value: str) -> None:
        self._request.headers[name] = self._added[name] = value

    def _clean(self, request: Any) -> None:
        for name, value in self._added.items():
            if request.headers.get(name) == value:
                del request.headers[name]
