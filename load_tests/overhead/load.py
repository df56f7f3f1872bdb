"""Load on a small server: as much as it takes, or so many requests a second."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvloop

from ..generator import Answer, Request, generate, get
from ..processes import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = 32
PACED_CONNECTIONS = 4
COUNT = re.compile(r"(\d+) requests in ([\d.]+)s")


class LoadError(RuntimeError):
    """The load could not be applied, or the server answered with errors."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a server was given: every request was answered with success."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def full(port: int, path: str, seconds: int) -> Load:
    """As many requests as the server takes: wrk's where it is installed, else this package's own generator's."""
    return _wrk(port, path, seconds) if shutil.which("wrk") else _own(port, path, seconds)


def paced(port: int, path: str, seconds: float, rate: int) -> Load:
    """``rate`` requests a second, evenly spaced, over a few keep-alive connections."""
    count = int(rate * seconds)
    start = time.monotonic()
    uvloop.run(_paced(port, path, count, rate))
    return Load(count, time.monotonic() - start)


def parse_wrk(output: str) -> Load:
    """What wrk says about its run.

    Raises:
        LoadError: It says nothing that we know, or that answers were no successes.
    """
    found = COUNT.search(output)
    if found is None or "Non-2xx" in output or "Socket errors" in output:
        raise LoadError(f"wrk did not succeed:\n{output}")
    return Load(int(found[1]), float(found[2]))


def _wrk(port: int, path: str, seconds: int) -> Load:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"http://{HOST}:{port}{path}"]
    return parse_wrk(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _own(port: int, path: str, seconds: float) -> Load:
    start = time.monotonic()
    statuses: list[int] = []

    def requests() -> Iterator[Request]:
        number = 0
        while time.monotonic() < start + seconds:
            number += 1
            yield get(number, path, f"load-{number}", HOST)

    def keep(answer: Answer) -> None:
        statuses.append(answer.status)

    unanswered = uvloop.run(generate(HOST, port, requests(), connections=CONNECTIONS, depth=1, keep=keep))
    if unanswered or any(status != 200 for status in statuses):
        raise LoadError(f"{len(unanswered)} requests were not answered, statuses {set(statuses)}")
    return Load(len(statuses), time.monotonic() - start)


async def _paced(port: int, path: str, count: int, rate: int) -> None:
    start = time.monotonic()
    numbers = iter(range(count))

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            for number in numbers:
                await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
                writer.write(get(number, path, f"paced-{number}", HOST).wire)
                await _read_answer(reader)
        finally:
            writer.close()
            await writer.wait_closed()

    await asyncio.gather(*(connection() for _ in range(PACED_CONNECTIONS)))


async def _read_answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise LoadError(f"not a success: {head[:80]!r}")
    length = re.search(rb"content-length: *(\d+)", head)
    await reader.readexactly(int(length[1]) if length else 0)
