"""A load generator for speed: keep-alive connections with several requests in flight on each.

It speaks just enough HTTP/1.1 for answers that carry a Content-Length; anything else is an error and not a guess.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUEST_ID = b"\r\nx-request-id:"
CONTENT_LENGTH = b"\r\ncontent-length:"
TIMEOUT_S = 600.0
REUSE = 100  # requests of one connection


@dataclass(frozen=True, slots=True)
class Request:
    """``number`` tells requests apart; ``wire`` is what is sent."""

    number: int
    wire: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """``request_id`` is the correlation id that the server put into the header; times are CLOCK_MONOTONIC."""

    number: int
    status: int
    request_id: str
    body_bytes: int
    sent_ns: int
    received_ns: int


class AnswerError(ValueError):
    """The server's bytes are no answer that this generator reads."""


def get(number: int, path: str, request_id: str, host: str) -> Request:
    """A GET with a correlation id of its own."""
    return Request(number, f"GET {path} HTTP/1.1\r\nhost: {host}\r\nx-request-id: {request_id}\r\n\r\n".encode())


class Connection(asyncio.Protocol):
    """One connection: sends from ``source``, never more than ``depth`` unanswered, until ``source`` ends.

    ``done`` is set when the connection is closed, with an AnswerError where the server's bytes could not be read.
    """

    def __init__(self, source: Iterator[Request], depth: int, keep: Callable[[Answer], None]) -> None:
        self._source = source
        self._depth = depth
        self._keep = keep
        self._buffer = bytearray()
        self._waiting: deque[tuple[int, int]] = deque()
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def unanswered(self) -> list[int]:
        """The numbers of the requests that were sent and have no answer."""
        return [number for number, _ in self._waiting]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not derive from it
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while (answer := self._next_answer()) is not None:
                self._keep(answer)
        except AnswerError as error:
            self.done.set_exception(error)
            self.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol asks for it
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        room = self._depth - len(self._waiting)
        now_ns = time.monotonic_ns()
        wires: list[bytes] = []
        while len(wires) < room and (request := next(self._source, None)) is not None:
            wires.append(request.wire)
            self._waiting.append((request.number, now_ns))
        if wires and self._transport is not None:
            self._transport.write(b"".join(wires))
        elif not self._waiting:
            self.close()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _next_answer(self) -> Answer | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._buffer[:end])
        body_bytes = int(_header(head, CONTENT_LENGTH) or b"-1")
        if body_bytes < 0 or not self._waiting:
            raise AnswerError(f"not the answer to a request of ours: {head[:80]!r}")
        size = end + 4 + body_bytes
        if len(self._buffer) < size:
            return None
        del self._buffer[:size]
        number, sent_ns = self._waiting.popleft()
        request_id = _header(head, REQUEST_ID).decode("latin-1")
        return Answer(number, int(head[9:12]), request_id, body_bytes, sent_ns, time.monotonic_ns())


def _header(head: bytes, name: bytes) -> bytes:
    """The value of a header, empty without it; ``name`` is in lower case, line break in front and colon behind."""
    start = head.lower().find(name)
    if start < 0:
        return b""
    end = head.find(b"\r\n", start + len(name))
    return head[start + len(name) : None if end < 0 else end].strip()


async def generate(
    host: str,
    port: int,
    requests: Iterator[Request],
    *,
    connections: int,
    depth: int,
    keep: Callable[[Answer], None],
    timeout_s: float = TIMEOUT_S,
) -> list[int]:
    """Send all ``requests`` as fast as the server takes them; the numbers of those that were never answered.

    A connection is renewed now and then: workers share a listening socket, and it is the idle one that accepts, so the
    load spreads. After ``timeout_s`` every connection is closed, whatever is still under way.

    Raises:
        AnswerError: An answer could not be read.
        OSError: Nobody listens.
    """
    loop = asyncio.get_running_loop()
    unanswered: list[int] = []

    async def client() -> None:
        for first in requests:
            source = chain((first,), islice(requests, REUSE - 1))
            connect = partial(Connection, source, depth, keep)
            _, connection = await loop.create_connection(connect, host, port)
            try:
                await connection.done
            finally:
                unanswered.extend(connection.unanswered)
                connection.close()

    clients = [asyncio.create_task(client()) for _ in range(connections)]
    ended, hanging = await asyncio.wait(clients, timeout=timeout_s, return_when=asyncio.FIRST_EXCEPTION)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    for task in ended:
        task.result()
    return unanswered
