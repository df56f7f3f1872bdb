"""Child process: an application that is called without a server. It runs a block of requests for each line it reads.

It prints the nanoseconds of CPU that the block took. Bare and traced applications live in processes of their own:
tracing hooks into the framework, which would slow down a bare application beside it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import uvloop

from . import hello
from .rotation import timed

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import ASGIApp

REQUESTS = 100

# What uvicorn makes of a request by wrk.
REQUEST: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/hello/world",
    "raw_path": b"/hello/world",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"127.0.0.1:8000")],
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
    "state": {},
}


async def receive() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(_: MutableMapping[str, Any]) -> None:
    return


async def requests(app: ASGIApp, count: int) -> None:
    """``count`` requests one after the other, each in a task of its own, as a server runs them."""
    loop = asyncio.get_running_loop()

    async def request() -> None:
        await app(dict(REQUEST), receive, send)

    for _ in range(count):
        await loop.create_task(request())


def serve(app_name: str, loop_name: str) -> None:
    """Run blocks on demand until the input ends."""
    app: ASGIApp = getattr(hello, app_name)()
    factory = uvloop.new_event_loop if loop_name == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        block = timed(lambda: runner.run(requests(app, REQUESTS)))
        for _ in sys.stdin:
            runner.run(requests(app, REQUESTS // 5))  # the caches hold what the process before left in them
            print(block(), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:3])
