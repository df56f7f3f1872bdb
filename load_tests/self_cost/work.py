"""What requests do while they are measured: functions to be recorded, spans, exceptions, or nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

WORKLOADS = ("hello", "functions", "held_back", "spans", "awaits")
CALLS = 200
MANY_CALLS = 5_000


def priced(amount: int) -> int:
    total = amount
    for rate in (3, 5, 7):
        total += amount * rate // 100
    return total


def basket(count: int) -> int:
    return sum(priced(amount) for amount in range(count))


def serve(span: Callable[..., Any] | None) -> Starlette:
    """The application; ``span`` opens a span, None where nobody traces."""

    async def hello(_: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async def functions(_: Request) -> PlainTextResponse:
        return PlainTextResponse(str(basket(CALLS)))

    async def held_back(_: Request) -> PlainTextResponse:
        return PlainTextResponse(str(basket(MANY_CALLS)))

    async def spans(_: Request) -> PlainTextResponse:
        if span is not None:
            for number in range(20):
                with span("step", number=number):
                    pass
        return PlainTextResponse("done")

    async def awaits(_: Request) -> PlainTextResponse:
        for _number in range(20):
            await asyncio.sleep(0)
        return PlainTextResponse("done")

    handlers: Mapping[str, Callable[..., Any]] = {
        "hello": hello,
        "functions": functions,
        "held_back": held_back,
        "spans": spans,
        "awaits": awaits,
    }
    return Starlette(routes=[Route(f"/{name}", handler) for name, handler in handlers.items()])
