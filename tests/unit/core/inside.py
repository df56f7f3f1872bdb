"""Work done inside a request, and what was recorded of it."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

from scope import ScopeMiddleware
from scope.testing import captured

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from scope.model import Span, Trace
    from scope.testing import Capture

    Message = MutableMapping[str, Any]


def http(**parts: object) -> dict[str, Any]:
    """An ASGI scope as a server would make it."""
    return {"type": "http", "method": "GET", "path": "/work", "headers": [], **parts}


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Message) -> None:
    await asyncio.sleep(0)


async def serve(work: Callable[[], object], scope: dict[str, Any] | None = None) -> None:
    """One request that does ``work``, sync or async, and then answers. What ``work`` raises comes through."""

    async def app(_: Message, __: object, send: Callable[[Message], Awaitable[None]]) -> None:
        done = work()
        if inspect.isawaitable(done):
            await done
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    await ScopeMiddleware(app)(scope or http(), receive, send)


def recorded(work: Callable[[], object]) -> Capture:
    """``work`` as a request in an event loop of its own."""
    with captured() as capture:
        asyncio.run(serve(work))
    return capture


def inside(work: Callable[[], object]) -> Trace:
    """The only trace that comes of ``work`` done in a request."""
    return recorded(work).trace()


def outline(trace: Trace) -> list[str]:
    """The spans below the root as an indented list; functions by their own names only."""
    return ["  " * (depth - 1) + _last(span.name) for depth, span in trace.spans() if depth]


def named(trace: Trace, name: str) -> Span:
    """The only span of that name."""
    (found,) = [span for _, span in trace.spans() if _last(span.name) == name]
    return found


def _last(name: str) -> str:
    return name.rpartition(".")[2]
