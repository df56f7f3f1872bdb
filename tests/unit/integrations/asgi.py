"""An ASGI server of a few lines, so that tests see every message, and nothing between it and the application's task."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence

    Application = Callable[..., Awaitable[None]]
    Message = MutableMapping[str, Any]


@dataclass
class Answer:
    """What the application sent, and the exception that it raised into the server."""

    messages: list[Message] = field(default_factory=list)
    error: Exception | None = None

    @property
    def status(self) -> int:
        (start,) = (message for message in self.messages if message["type"] == "http.response.start")
        status: int = start["status"]
        return status

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    def header(self, name: str) -> str | None:
        start = next(message for message in self.messages if message["type"] == "http.response.start")
        found = [value for key, value in start["headers"] if key.decode().lower() == name]
        return found[0].decode() if found else None


def get(app: Application, path: str, **options: Any) -> Answer:
    """One request, in an event loop of its own."""
    return asyncio.run(request(app, path, **options))


async def request(
    app: Application,
    path: str,
    *,
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    body: Iterable[bytes] = (b"",),
    host: str = "testserver",
    query: bytes = b"",
) -> Answer:
    """One request with its body in pieces; the client stays until the application is done."""
    answer = Answer()
    pieces = list(body)
    last = len(pieces) - 1
    incoming = [{"type": "http.request", "body": piece, "more_body": at < last} for at, piece in enumerate(pieces)]
    gone = asyncio.Event()

    async def receive() -> Message:
        if incoming:
            return incoming.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.messages.append(message)
        await asyncio.sleep(0)

    sent = [(b"host", host.encode()), *((key.encode(), value.encode()) for key, value in headers)]
    scope = {**_scope("http", path, sent), "method": method, "http_version": "1.1", "scheme": "http"}
    scope["query_string"] = query
    try:
        await app(scope, receive, send)
    except Exception as error:  # noqa: BLE001 - what a server would log
        answer.error = error
    return answer


async def websocket(app: Application, path: str, texts: Iterable[str]) -> Answer:
    """A connection on which the client sends ``texts`` and then closes."""
    answer = Answer()
    incoming: list[Message] = [{"type": "websocket.connect"}]
    incoming += [{"type": "websocket.receive", "text": text} for text in texts]
    incoming.append({"type": "websocket.disconnect", "code": 1000})

    async def receive() -> Message:
        await asyncio.sleep(0)
        return incoming.pop(0)

    async def send(message: Message) -> None:
        answer.messages.append(message)

    scope = {**_scope("websocket", path, [(b"host", b"testserver")]), "scheme": "ws", "subprotocols": []}
    try:
        await app(scope, receive, send)
    except Exception as error:  # noqa: BLE001 - what a server would log
        answer.error = error
    return answer


def _scope(kind: str, path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
