"""Child process: ``measured TOOL`` runs a block of one case for each line it reads, while the tool watches.

A line is a case and how often it is to happen; what is printed is the nanoseconds of CPU that this took. It runs in an
interpreter that has the project installed, and of the checkout imports nothing but this package.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from itertools import repeat
from time import thread_time_ns
from typing import TYPE_CHECKING

import uvicorn  # noqa: F401 - first of all: with it `scope run` puts its Plan into effect

from . import applications, recorded, unrecorded
from .exchange import exchange, respond
from .served import Served
from .tools import TOOLS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .exchange import App

    Block = Callable[[int], Awaitable[None]]
    Measure = Callable[[int], Awaitable[int]]


async def calls(function: Callable[[], object], count: int) -> None:
    for _ in repeat(None, count):
        function()


async def calls_of_three(count: int) -> None:
    call = recorded.call_of_three
    for _ in repeat(None, count):
        call(17, "two words", 2.5)


async def coroutines(count: int) -> None:
    coroutine = recorded.coroutine
    for _ in repeat(None, count):
        await coroutine()


async def steps(count: int) -> None:
    for _ in zip(repeat(None, count), recorded.generator(), strict=False):
        pass


async def requests(app: App, count: int) -> None:
    for _ in repeat(None, count):
        await exchange(app)


async def timed(block: Block, count: int) -> int:
    """Nanoseconds that ``count`` of them take, once everything is warm."""
    await block(count // 10)
    start = thread_time_ns()
    await block(count)
    return thread_time_ns() - start


async def within_a_request(block: Block, wrap: Callable[[App], App], count: int) -> int:
    spent: list[int] = []

    async def app(_: object, __: object, send: Callable[..., Awaitable[None]]) -> None:
        spent.append(await timed(block, count))
        await respond(send)

    await exchange(wrap(app))
    return spent[0]


CALLS: dict[str, Block] = {
    "call": partial(calls, recorded.call),
    "call-of-three": calls_of_three,
    "coroutine": coroutines,
    "step": steps,
    "off-plan": partial(calls, recorded.off_plan),
    "other-module": partial(calls, unrecorded.call),
}
APPLICATIONS: dict[str, Callable[[], App]] = {"plain": applications.plain, "fastapi": applications.fastapi}


def measures(wrap: Callable[[App], App]) -> dict[str, Measure]:
    """What measures each case."""
    within: dict[str, Measure] = {name: partial(within_a_request, block, wrap) for name, block in CALLS.items()}
    apps = {name: wrap(make()) for name, make in APPLICATIONS.items()}
    served = {"served": partial(timed, Served(applications.fastapi()).requests)}
    return within | {name: partial(timed, partial(requests, app)) for name, app in apps.items()} | served


def unwrapped(app: App) -> App:
    return app


def wrapped(app: App) -> App:
    from scope import ScopeMiddleware  # noqa: PLC0415 - the other processes must not load it

    return ScopeMiddleware(app)


def serve(tool: str) -> None:
    """Run blocks on demand until the input ends."""
    known = measures(wrapped if tool == "scope" else unwrapped)
    TOOLS[tool]()
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            case, count = line.split()
            print(runner.run(measured(known[case], int(count))), flush=True)


async def measured(measure: Measure, count: int) -> int:
    return await measure(count)


if __name__ == "__main__":
    serve(sys.argv[1])
