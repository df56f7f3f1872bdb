"""``python -m load_tests.soak.writer DIRECTORY SEED``: writes requests until it is killed, or told to end by SIGTERM.

Threads come and go, requests hand work to threads of their own, some stay open for long, and the process forks children
that write, and of which it kills some.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import scope
from scope import Thread, annotate, mark, span

from .ledger import Ledger, Pen
from .payload import attributes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

THREADS: Final = 3
LIFE: Final = 60
"""Requests of a thread, at most."""
FRAME: Final = 4
"""Events of a request besides those made within it."""
PATH: Final = "/soak"

stopping = False


class Work:
    """One thread's requests, all written with one pen; ``rest_s`` is slept after each."""

    def __init__(self, ledger: Ledger, pen: Pen, seed: int, rest_s: float) -> None:
        self._ledger = ledger
        self._pen = pen
        self._chance = random.Random(seed)
        self._rest_s = rest_s

    def run(self, requests: int) -> None:
        app = scope.ScopeMiddleware(self._serve)
        for _ in range(requests):
            if stopping:
                return
            with self._pen.writes(FRAME), suppress(asyncio.CancelledError):
                asyncio.run(app({"type": "http", "method": "GET", "path": PATH, "headers": []}, _receive, _send))
            time.sleep(self._chance.random() * self._rest_s)

    async def _serve(self, _: object, __: object, send: Callable[[Message], Awaitable[None]]) -> None:
        written = self._steps(self._pen, self._chance.randint(1, 40))
        if self._chance.random() < 0.2:
            written += self._aside()
        if self._chance.random() < 0.05:
            await asyncio.sleep(self._chance.random())
            written += self._steps(self._pen, 3)
        with self._pen.writes(1):
            annotate(carried=written)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    def _aside(self) -> int:
        """Work of the same request in another thread; both write at the same time."""
        written: list[int] = []

        def work() -> None:
            with self._ledger.pen() as pen:
                written.append(self._steps(pen, 12))

        thread = Thread(target=work)
        thread.start()
        here = self._steps(self._pen, 12)
        thread.join()
        return here + sum(written)

    def _steps(self, pen: Pen, count: int) -> int:
        """Write so many events that carry something, and a few that do not."""
        for _ in range(count):
            step = None
            with pen.carries() as number:
                carried = attributes(pen.writer, number)
                if number % 3 == 0:
                    mark("tick", **carried)
                elif number % 3 == 1:
                    annotate(**carried)
                else:
                    step = span("step", **carried)
                    step.__enter__()
            if step is not None:
                with pen.writes(1):
                    step.__exit__(None, None, None)
        return count


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: Message) -> None:
    await asyncio.sleep(0)


def churn(ledger: Ledger, seed: int, rest_s: float) -> None:
    """Threads one after the other, each with a lane of its own for a while."""
    chance = random.Random(seed)

    def live(requests: int, seed: int) -> None:
        with ledger.pen() as pen:
            Work(ledger, pen, seed, rest_s).run(requests)

    while not stopping:
        thread = Thread(target=live, args=(chance.randint(1, LIFE), chance.getrandbits(32)))
        thread.start()
        thread.join()


def fork(directory: Path, seed: int, rest_s: float) -> int:
    """A child that writes a while with a ledger of its own, and ends; its pid."""
    if pid := os.fork():
        return pid
    with suppress(BaseException), Ledger(directory) as ledger, ledger.pen() as pen:
        Work(ledger, pen, seed, rest_s).run(30)
    os._exit(0)


def main(arguments: list[str]) -> None:
    directory, seed, rest_s = Path(arguments[0]), int(arguments[1]), float(arguments[2])
    signal.signal(signal.SIGTERM, _stop)
    chance = random.Random(seed)
    with Ledger(directory) as ledger:
        with ledger.pen() as pen:  # the segment is made before there are threads, as in a server
            Work(ledger, pen, chance.getrandbits(32), 0).run(1)
        threads = [Thread(target=churn, args=(ledger, chance.getrandbits(32), rest_s)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        while not stopping:
            time.sleep(0.2 + chance.random())
            _raise_child(directory, chance, rest_s)
        for thread in threads:
            thread.join()


def _raise_child(directory: Path, chance: random.Random, rest_s: float) -> None:
    child = fork(directory, chance.getrandbits(32), rest_s)
    if chance.random() < 0.5:
        time.sleep(chance.random() * 0.3)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _stop(*_: object) -> None:
    global stopping  # noqa: PLW0603 - a signal handler has nothing else to tell it to
    stopping = True


if __name__ == "__main__":
    main(sys.argv[1:])
