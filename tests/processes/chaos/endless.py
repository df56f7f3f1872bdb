"""One request of so many events, made as fast as can be.

``python -m tests.processes.chaos.endless COUNT``: its id is "endless".
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from scope import ScopeMiddleware, mark
from tests.unit.core.inside import http, receive, send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def main(count: int) -> None:
    async def app(_scope: object, _receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        for _ in range(count):
            mark("tick")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    await ScopeMiddleware(app)(http(headers=[(b"x-request-id", b"endless")]), receive, send)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
