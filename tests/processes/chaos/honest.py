"""A traced worker that answers so many requests, one after the other, and ends.

``python -m tests.processes.chaos.honest NAME COUNT``: the requests are called NAME-0, NAME-1, ...
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from scope import ScopeMiddleware, span
from tests.unit.core.inside import http, receive, send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PAUSE_S = 0.005


async def app(_scope: object, _receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    with span("work"):
        await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def main(name: str, count: int) -> None:
    traced = ScopeMiddleware(app)
    for number in range(count):
        await traced(http(headers=[(b"x-request-id", f"{name}-{number}".encode())]), receive, send)
        await asyncio.sleep(PAUSE_S)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
