"""The files of this process's sessions."""

from __future__ import annotations

import asyncio

from scope import ScopeMiddleware
from tests.unit.core.inside import http, receive, send


async def nothing(scope: object, receive: object, send: object) -> None:
    """An application that does nothing."""


def answered(app: ScopeMiddleware) -> bool:
    """Whether the application behind ``app`` is reached twice."""
    reached: list[int] = []

    async def work(*_: object) -> None:
        reached.append(1)

    app.app = work
    for _ in range(2):
        asyncio.run(app(http(), receive, send))
    return len(reached) == 2
