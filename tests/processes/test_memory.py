"""However many requests have gone, nothing of them is kept."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from scope import ScopeMiddleware, Thread, annotate, current_request, mark, probe, span, suppressed
from scope._core import record_error
from scope.testing import captured
from tests.unit.core.inside import http, receive, send

pytestmark = pytest.mark.usefixtures("no_integrations")


class Odd(Exception):
    """What a request raises."""


@probe
def compute(depth: int) -> int:
    return compute(depth - 1) if depth else 0


@probe
def items(count: int) -> Generator[int, None, None]:
    yield from range(count)


@probe
async def rows(count: int) -> AsyncGenerator[int, None]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


@probe
async def fetch(number: int) -> int:
    async with span("query", table="items", number=number):
        await asyncio.sleep(0)
        annotate(big=[{"a": "x" * 300}] * 40, password="p", odd=object())
        mark("cache miss", key=number)
        return compute(3)


@probe
def fail(number: int) -> None:
    error = Odd(number)
    error.scope = {"number": number}  # type: ignore[attr-defined]
    raise error


async def handler(scope: Any, receive: Any, send: Any) -> None:
    number = scope["number"]
    request = current_request()
    if request is not None:
        request.set_route("/items/{id}")
    await receive()
    await asyncio.gather(fetch(number), fetch(number))
    sum(items(3))
    next(items(3))
    async for _ in rows(2):
        break
    with suppressed():
        compute(2)
    try:
        fail(number)
    except Odd as error:
        record_error(error)
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel()
    if number % 50 == 0:
        await asyncio.to_thread(compute, 2)
        thread = Thread(target=compute, args=(2,))
        thread.start()
        thread.join()
    if number % 10 == 0:
        raise Odd(scope)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"x", "more_body": True})
    await send({"type": "http.response.body", "body": b"y"})


async def drive(app: Callable[..., Any], count: int) -> None:
    for number in range(count):
        scope = http(number=number, path=f"/items/{number}", headers=[(b"x-request-id", b"%d" % number)])
        with suppress(Odd):
            await app(scope, receive, send)


def grown_by(count: int, app: Callable[..., Any]) -> int:
    """Bytes that Python holds more after ``count`` requests, when the garbage is collected."""
    asyncio.run(drive(app, 500))
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    asyncio.run(drive(app, count))
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before


def test_requests_of_every_kind_leave_no_object_behind() -> None:
    with captured(lane_bytes=1 << 16):
        app = ScopeMiddleware(handler)
        tracemalloc.start()
        try:
            grown = [grown_by(2500, app) for _ in range(3)]
        finally:
            tracemalloc.stop()
    # the smallest object takes twice that; what grows once, such as a table of the interpreter's, is no leak
    assert min(grown) < 2500 * 8, f"{grown} bytes more"


def test_requests_that_nobody_ever_reads_do_not_grow_the_process() -> None:
    """Names made of user data are the only thing that is kept, and those are bounded."""

    def resident_kib() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4

    async def app(scope: Any, *_: object) -> None:
        compute(5)
        annotate(number=scope["number"])

    with captured(lane_bytes=1 << 16):
        traced = ScopeMiddleware(app)
        asyncio.run(drive(traced, 3000))
        before = resident_kib()
        asyncio.run(drive(traced, 10_000))
        assert resident_kib() - before < 512
