"""What a request costs by itself: its beginning and end, its response, its messages, the steps of its task."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from ..capture.middleware import ScopeMiddleware
from ..model import EventType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from .calls import Row

    Message = MutableMapping[str, Any]
    App = Callable[[Any, Any, Any], Awaitable[None]]

MESSAGE: Final = 1
_ROUNDS: Final = 21
_REQUESTS: Final = 20
_MORE: Final = 20
_START: Final = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
_BODY: Final = {"type": "http.response.body", "body": b"", "more_body": False}
_PART: Final = {"type": "http.response.body", "body": b"", "more_body": True}
_SCOPE: Final[dict[str, Any]] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/calibration",
    "raw_path": b"/calibration",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"calibration/1.0"), (b"accept", b"*/*")],
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
}


def exchange_rows() -> list[Row]:
    """The costs of what every request has. Once tracing has hooked into the event loop, nothing is bare."""
    apps = (_answer, _stream, _turn, _spawn)
    bare = [_request_ps(app) for app in apps]
    traced = [_request_ps(ScopeMiddleware(app)) for app in apps]
    plain, streamed, turned, spawned = (max(more - less, 0) for more, less in zip(traced, bare, strict=True))
    step = max(turned - plain, 0) // _MORE
    message = max(streamed - plain, 0) // _MORE
    task = max((spawned - plain) // _MORE - 2 * step, 0)  # whoever waits for it has a step more, too
    return [
        (EventType.REQUEST_BEGIN, max(plain - step - 3 * message, 0), 0),
        (EventType.LOOP_STEP, step, 0),
        (EventType.OUTSIDE_STEP, step, 0),
        (EventType.ASYNC_TASK_BEGIN, task // 2, 0),
        (EventType.ASYNC_TASK_END, task // 2, 0),
        (MESSAGE, message, 0),
    ]


async def _answer(
    _: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Any], Awaitable[None]]
) -> None:
    await receive()
    await send(_START)
    await send(_BODY)


async def _stream(_: Message, receive: Callable[..., Any], send: Callable[[Any], Awaitable[None]]) -> None:
    await receive()
    await send(_START)
    for _number in range(_MORE):
        await send(_PART)
    await send(_BODY)


async def _turn(scope: Message, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    for _ in range(_MORE):
        await asyncio.sleep(0)
    await _answer(scope, receive, send)


async def _spawn(scope: Message, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    for _ in range(_MORE):
        await asyncio.create_task(_done())
    await _answer(scope, receive, send)


async def _done() -> None:
    return


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: Message) -> None:
    return


def _request_ps(app: App) -> int:
    """Picoseconds of a request of ``app`` in a task of its own, as a server runs it."""
    blocks = asyncio.run(_blocks(app))
    return round(1000 * median(blocks) / _REQUESTS)


async def _blocks(app: App) -> list[int]:
    loop = asyncio.get_running_loop()

    async def request() -> None:
        await app(dict(_SCOPE), _receive, _send)

    blocks: list[int] = []
    for _ in range(_ROUNDS):
        start = time.perf_counter_ns()
        for _ in range(_REQUESTS):
            await loop.create_task(request())
        blocks.append(time.perf_counter_ns() - start)
    return blocks
