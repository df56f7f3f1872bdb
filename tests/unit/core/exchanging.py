"""A server of messages in lists, and what an application exchanges with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from scope import ScopeMiddleware
from scope.model import Event, Trace
from scope.testing import captured

from .inside import http

HEADER = b"x-request-id"


class Server:
    """Messages in and out, as plain as can be."""

    def __init__(self, *incoming: Any) -> None:
        self.incoming = list(incoming)
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        await asyncio.sleep(0)
        return self.incoming.pop(0) if self.incoming else {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        await asyncio.sleep(0)


def exchange(app: Callable[..., Awaitable[None]], server: Any, **scope: object) -> tuple[Trace, list[Event]]:
    with captured() as capture:
        asyncio.run(ScopeMiddleware(app)(http(**scope), server.receive, server.send))
    return capture.trace(), capture.events()
