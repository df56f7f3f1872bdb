"""A traced process without a server: exchanges with a small application, one of which never ends.

Prints "ready" once everything but that has been answered, then waits to be ended.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import scope


class CardDeclined(Exception):
    """What the shop raises."""


async def app(asgi: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    if asgi["type"] == "websocket":
        await chat(receive, send)
        return
    path = asgi["path"]
    scope.annotate(customer="ann", amount=17)
    if path == "/fail":
        with scope.span("charge"):
            raise CardDeclined("card \x1b[31mred\x1b[0m was declined")
    if path == "/hang":
        with scope.span("wait for stock", warehouse=3):
            await asyncio.sleep(3600)
    for number in range(8):
        with scope.span("SELECT users", number=number):
            await asyncio.sleep(0.001 if path == "/slow" else 0)
    await send({"type": "http.response.start", "status": 404 if path == "/missing" else 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 512})
    if path == "/slow":
        with scope.span("send mail"):
            await asyncio.sleep(0.02)


async def chat(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    await send({"type": "websocket.send", "text": "hello"})
    await send({"type": "websocket.close"})


async def exchange(path: str, id: str, kind: str = "http") -> None:
    incoming: list[dict[str, Any]] = [{"type": "http.request", "body": b"abc", "more_body": False}]
    if kind == "websocket":
        incoming = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hi"}]

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        del message

    asgi = {
        "type": kind,
        "method": "GET",
        "path": path,
        "scheme": kind,
        "headers": [(b"x-request-id", id.encode()), (b"host", b"shop.example")],
        "client": ["192.0.2.7", 1],
    }
    with suppress(CardDeclined):
        await scope.ScopeMiddleware(app)(asgi, receive, send)


async def main() -> None:
    for number in range(3):
        await exchange("/users", f"users-{number}")
    await exchange("/missing", "missing")
    await exchange("/fail", "failing")
    await exchange("/slow", "slow")
    await exchange("/chat", "chat", "websocket")
    await exchange("/\x1b]0;owned\x07\u202e", "hostile")
    hanging = asyncio.create_task(exchange("/hang", "hanging"))
    await asyncio.sleep(0.05)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    hanging.cancel()


if __name__ == "__main__":
    asyncio.run(main())
