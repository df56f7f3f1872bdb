"""One simulated customer: sends requests one after the other, each with an id of its own, and notes what came back."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from .report import NO_ANSWER, Sample

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterator

OK: frozenset[int] = frozenset({200, 201, 202})
TIMEOUT_S = 15.0


class Enough(Exception):
    """No further request may be sent."""


@dataclass(slots=True)
class Budget:
    """The bound of a run, in requests and in time; all visitors share it. It also numbers the requests."""

    run: str
    requests: int
    deadline_ns: int
    samples: list[Sample] = field(default_factory=list)
    sent: int = 0

    def next_id(self) -> str:
        """The id of the next request.

        Raises:
            Enough: The run is over.
        """
        if self.sent >= self.requests or time.monotonic_ns() >= self.deadline_ns:
            raise Enough
        self.sent += 1
        return f"{self.run}-{self.sent:06d}"


@dataclass(slots=True)
class Visit:
    """A request under way; whoever sends it sets ``status``."""

    id: str
    status: int = NO_ANSWER


class Visitor:
    """Sends requests over one keep-alive connection; ``chance`` decides what the journeys leave open."""

    def __init__(self, http: httpx.AsyncClient, budget: Budget, chance: random.Random, admin_key: str) -> None:
        self.http = http
        self.chance = chance
        self.admin_key = admin_key
        self._budget = budget

    async def send(
        self,
        action: str,
        method: str,
        path: str,
        *,
        json: object = None,
        headers: dict[str, str] | None = None,
        expect: Collection[int] = OK,
        timeout_s: float = TIMEOUT_S,
    ) -> httpx.Response | None:
        """Send a request and read its whole answer; None if none came. Statuses outside ``expect`` are reported."""
        with self._noted(action, expect) as visit:
            sent = {"X-Request-ID": visit.id, **(headers or {})}
            try:
                answer = await self.http.request(method, path, json=json, headers=sent, timeout=timeout_s)
            except httpx.TransportError:
                return None
            visit.status = answer.status_code
            return answer

    async def get(self, action: str, path: str, expect: Collection[int] = OK) -> httpx.Response | None:
        return await self.send(action, "GET", path, expect=expect)

    async def talk(self, action: str, path: str, messages: list[str]) -> None:
        """Open a WebSocket, write ``messages`` and read one message for each; its status is 101."""
        address = urlsplit(str(self.http.base_url))
        url = urlunsplit(("ws", address.netloc, path, "", ""))
        with self._noted(action, {101}) as visit:
            try:
                async with connect(url, additional_headers={"X-Request-ID": visit.id}) as connection:
                    await _converse(connection, messages)
                    visit.status = 101
            except (OSError, WebSocketException):
                return

    @contextmanager
    def _noted(self, action: str, expect: Collection[int]) -> Iterator[Visit]:
        visit = Visit(self._budget.next_id())
        start_ns = time.monotonic_ns()
        yield visit
        duration_ns = time.monotonic_ns() - start_ns
        expected = visit.status in expect
        self._budget.samples.append(Sample(visit.id, action, visit.status, expected, start_ns, duration_ns))


async def _converse(connection: ClientConnection, messages: list[str]) -> None:
    for message in messages:
        await connection.send(message)
        await connection.recv()
