"""Child process: CPU that the middleware adds to a request of an application that is called without a server."""

from __future__ import annotations

import argparse
import asyncio
import json
from statistics import median
from typing import TYPE_CHECKING, Any

import uvloop

from . import hello
from .rotation import added, rotate

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

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


def measure(framework: str, loop_name: str, rounds: int) -> dict[str, float]:
    """Microseconds of CPU for a request: without tracing, added by tracing, and between two equal bare applications."""
    factory = uvloop.new_event_loop if loop_name == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        bare, traced = getattr(hello, f"bare_{framework}"), getattr(hello, f"traced_{framework}")
        apps: dict[str, ASGIApp] = {"bare": bare(), "traced": traced(), "bare_again": bare()}
        blocks: dict[str, Callable[[], None]] = {
            name: lambda app=app: runner.run(requests(app, REQUESTS))  # type: ignore[misc]
            for name, app in apps.items()
        }
        spent = rotate(blocks, rounds)
    return {
        "bare": median(spent["bare"]) / REQUESTS / 1000,
        "added": added(spent, "traced", "bare", REQUESTS) / 1000,
        "noise": added(spent, "bare_again", "bare", REQUESTS) / 1000,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", choices=["fastapi", "starlette"])
    parser.add_argument("loop", choices=["uvloop", "asyncio"])
    parser.add_argument("--rounds", type=int, default=150)
    options = parser.parse_args()
    print(json.dumps(measure(options.framework, options.loop, options.rounds)))
