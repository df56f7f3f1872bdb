"""An application whose requests do everything at once that could mix them up, and sign whatever they do.

Each piece of work is a span that carries its owner, which is the id of its request, and its path in the tree of work,
such as ``a.1.0``. So a trace alone tells whether something in it belongs elsewhere, or hangs in the wrong place.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

import scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractContextManager

DEPTH = 3
WIDEST = 3
LONGEST_S = 0.004

app = FastAPI()
app.add_middleware(scope.ScopeMiddleware)


@dataclass(slots=True)
class Work:
    """The work of one request; ``paths`` are the pieces that were begun."""

    owner: str
    chance: random.Random
    paths: list[str] = field(default_factory=list)

    def sign(self, path: str) -> AbstractContextManager[object]:
        """The span of a piece of work."""
        self.paths.append(path)
        scope.annotate(**{f"owner.{path}": self.owner})
        return scope.span("work", owner=self.owner, path=path)

    def below(self, path: str) -> list[str]:
        """The pieces below ``path``, at random one to three."""
        return [f"{path}.{number}" for number in range(self.chance.randint(1, WIDEST))]

    def pause_s(self) -> float:
        return self.chance.uniform(0, LONGEST_S)


def work_of(seed: int) -> Work:
    current = scope.current_request()
    return Work(current.id if current else "nobody", random.Random(seed))


@app.get("/tree/{seed}")
async def tree(seed: int, jobs: BackgroundTasks) -> list[str]:
    work = work_of(seed)
    jobs.add_task(grow, Work(work.owner, random.Random(-seed)), "b", 1)
    await grow(work, "a", DEPTH)
    return work.paths


@app.get("/cancelled/{seed}")
async def cancelled(seed: int) -> list[str]:
    """Stops its work somewhere in the middle."""
    work = work_of(seed)
    try:
        async with asyncio.timeout(work.chance.uniform(0, 4 * LONGEST_S)):
            await grow(work, "a", DEPTH)
    except TimeoutError:
        pass
    return work.paths


@app.get("/stream/{seed}")
async def stream(seed: int) -> StreamingResponse:
    return StreamingResponse(lines(work_of(seed)), media_type="text/plain")


async def lines(work: Work) -> AsyncIterator[str]:
    for number in range(5):
        path = f"s{number}"
        with work.sign(path):
            yield f"{path}\n"
            await grow(work, f"{path}.0", 1)


async def grow(work: Work, path: str, depth: int) -> None:
    """Do the piece of work ``path``, and ``depth`` levels of work below it, each level in a way of its own."""
    with work.sign(path):
        await asyncio.sleep(work.pause_s())
        if depth:
            await work.chance.choice(WAYS)(work, path, depth - 1)


async def one_after_the_other(work: Work, path: str, depth: int) -> None:
    for piece in work.below(path):
        await grow(work, piece, depth)


async def gathered(work: Work, path: str, depth: int) -> None:
    await asyncio.gather(*(grow(work, piece, depth) for piece in work.below(path)))


async def in_tasks(work: Work, path: str, depth: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        for piece in work.below(path):
            tasks.create_task(grow(work, piece, depth))


async def in_threads(work: Work, path: str, depth: int) -> None:
    await asyncio.gather(*(asyncio.to_thread(grow_in_thread, work, piece, depth) for piece in work.below(path)))


async def in_executor(work: Work, path: str, depth: int) -> None:
    loop = asyncio.get_running_loop()
    jobs = (loop.run_in_executor(None, grow_in_thread, work, piece, depth) for piece in work.below(path))
    await asyncio.gather(*jobs)


def grow_in_thread(work: Work, path: str, depth: int) -> None:
    with work.sign(path):
        time.sleep(work.pause_s())
        if depth:
            for piece in work.below(path):
                grow_in_thread(work, piece, depth - 1)


WAYS: tuple[Callable[[Work, str, int], Awaitable[None]], ...] = (
    one_after_the_other,
    gathered,
    in_tasks,
    in_threads,
    in_executor,
)
