"""Probed functions of every kind."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Generator

from scope import probe

from .inside import inside


@probe
def add(left: int, right: int = 2, *more: int, scale: int = 1) -> int:
    """Sums up."""
    return (left + right + sum(more)) * scale


@probe
async def later(value: int) -> int:
    """Comes later."""
    await asyncio.sleep(0)
    return value


@probe
def count(to: int) -> Generator[int, str | None, str]:
    """Counts."""
    said: list[str] = []
    for number in range(to):
        answer = yield number
        if answer:
            said.append(answer)
    return ",".join(said)


@probe
async def acount(to: int) -> AsyncGenerator[int, None]:
    """Counts, asynchronously."""
    for number in range(to):
        yield number


def each_way(work: Callable[[], object]) -> list[object]:
    """What ``work`` gives outside any request and inside one."""
    results: list[object] = []

    async def collect() -> None:
        result = work()
        results.append(await result if inspect.isawaitable(result) else result)

    asyncio.run(collect())
    inside(collect)
    return results
