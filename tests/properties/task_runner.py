"""Runs programs of ``task_trees`` for real, and says in the plainest way what must come of it.

The model knows no context variables: whoever runs a body hands it its place, (request, span), by hand. An operation
that opens a span marks that with its own number (``op``), and notes where the model says it belongs.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from scope import ScopeMiddleware, Thread, annotate, probe, span, suppressed
from scope.integrations.threads import carry

from .task_trees import VARIABLES, Body, Kind, Op

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Generator, Iterator
    from concurrent.futures import Future

FOREIGN = [ContextVar(f"foreign {number}", default=0) for number in range(VARIABLES)]

OUTSIDE, HIDDEN = 0, -1


class Boom(Exception):
    """What programs raise; its argument is the number of the operation."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where code runs: ``trace`` is the number of the operation that is the root, ``span`` that of the current span.

    Outside any request ``span`` is OUTSIDE, where nothing is to be captured HIDDEN; ``trace`` is OUTSIDE for both.
    """

    trace: int
    span: int


NOWHERE = Place(OUTSIDE, OUTSIDE)
SUPPRESSED = Place(OUTSIDE, HIDDEN)


@dataclass
class Expected:
    """What the model says: ``parents`` of spans by their numbers (0 for a root), the trace of each, and what was noted.

    ``left`` holds, by the number of an exception, the spans that it left, innermost first.
    """

    parents: dict[int, int] = field(default_factory=dict)
    traces: dict[int, int] = field(default_factory=dict)
    notes: defaultdict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    left: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


Lent: TypeAlias = "Generator[None, Place, None]"


class Runner:
    """One event loop's worth of requests."""

    def __init__(self) -> None:
        self.expected = Expected()
        self._numbers = count(1)
        self._later: list[asyncio.Future[None] | Future[None]] = []
        self._threads: list[Thread] = []
        self._kept: list[tuple[Context, Place]] = []
        self._lent: list[Lent] = []
        self._loop: asyncio.AbstractEventLoop

    def run(self, requests: list[Body], crowd: int) -> None:
        """Run ``requests`` side by side, where ``crowd`` foreign variables are set already."""
        copy_context().run(self._run, requests, crowd)

    def _run(self, requests: list[Body], crowd: int) -> None:
        for variable in FOREIGN[:crowd]:
            variable.set(next(self._numbers))
        asyncio.run(self._main(requests))

    async def _main(self, requests: list[Body]) -> None:
        self._loop = asyncio.get_running_loop()
        await asyncio.gather(*(self._request(body) for body in requests))
        while self._later or self._threads:
            later, self._later = self._later, []
            threads, self._threads = self._threads, []
            for thread in threads:
                await asyncio.to_thread(thread.join)
            for each in later:
                await (each if isinstance(each, asyncio.Future) else asyncio.wrap_future(each))
        for generator in self._lent:
            generator.close()

    async def _request(self, body: Body) -> None:
        number = next(self._numbers)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            self.expected.parents[number] = 0
            self.expected.traces[number] = number
            annotate(op=number)
            await self._guarded(body, Place(number, number))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            await asyncio.sleep(0)

        await ScopeMiddleware(app)({"type": "http", "path": f"/{number}", "headers": []}, receive, send)

    # --- the model -----------------------------------------------------------------------------------------------

    @contextmanager
    def _opened(self, at: Place, *, block: bool = False) -> Iterator[Place]:
        """A span was opened at ``at`` just now: mark it, and say where its body runs."""
        number = next(self._numbers)
        annotate(op=number)
        if at == SUPPRESSED or (at == NOWHERE and not block):
            yield at
            return
        trace = at.trace or number  # a block outside any request is a trace of its own
        self.expected.parents[number] = at.span
        self.expected.traces[number] = trace
        try:
            yield Place(trace, number)
        except Boom as boom:
            self.expected.left[boom.args[0]].append(number)
            raise

    def _note(self, at: Place) -> None:
        name = f"note {next(self._numbers)}"
        annotate(**{name: at.trace})
        if at.span > 0:
            self.expected.notes[at.span][name] = at.trace

    # --- sync ----------------------------------------------------------------------------------------------------

    def _sync(self, body: Body, at: Place) -> None:
        for op in body:
            self._do(op, at)

    def _do(self, op: Op, at: Place) -> None:  # noqa: C901, PLR0912 - one case per operation
        match op.kind:
            case Kind.ANNOTATE:
                self._note(at)
            case Kind.SET:
                FOREIGN[op.number].set(next(self._numbers))
            case Kind.PAUSE:
                time.sleep(0.00005 * (op.number % 4))
            case Kind.RAISE:
                raise Boom(next(self._numbers))
            case Kind.CATCH:
                with suppress(Boom):
                    self._sync(op.bodies[0], at)
            case Kind.CALL:
                self._called(op.bodies[0], at)
            case Kind.BLOCK:
                with span("block"), self._opened(at, block=True) as inside:
                    self._sync(op.bodies[0], inside)
            case Kind.HIDE:
                with suppressed():
                    self._sync(op.bodies[0], SUPPRESSED)
            case Kind.COPY_RUN:
                copy_context().run(self._sync, op.bodies[0], at)
            case Kind.KEEP:
                self._kept.append((copy_context(), at))
            case Kind.RUN_KEPT:
                self._run_kept(op.bodies[0])
            case Kind.GENERATE:
                self._generate(op.bodies, at)
            case Kind.LEND:
                lent = self._lendable(op.bodies, at)
                next(lent)
                self._lent.append(lent)
            case Kind.RESUME:
                self._resume(at)
            case Kind.THREAD:
                self._thread(op, at)
            case Kind.SPAWN:
                self._spawn(op.bodies[0], at)
            case _:
                raise AssertionError(op)

    @probe
    def _called(self, body: Body, at: Place) -> None:
        with self._opened(at) as inside:
            self._sync(body, inside)

    def _run_kept(self, body: Body) -> None:
        try:
            context, at = self._kept.pop()
        except IndexError:
            return
        context.run(self._sync, body, at)

    @probe
    def _generator(self, bodies: tuple[Body, ...], at: Place) -> Generator[None, None, None]:
        with self._opened(at) as inside:
            for body in bodies:
                if inside == NOWHERE:  # a block would be a trace of its own, and its consumer's place, too
                    self._sync(body, inside)
                    yield
                    continue
                with span("block"), self._opened(inside, block=True) as innermost:
                    self._sync(body, innermost)
                    yield

    def _generate(self, bodies: tuple[Body, ...], at: Place) -> None:
        for body, _ in zip(bodies[1::2], self._generator(bodies[::2], at), strict=False):
            self._sync(body, at)

    @probe
    def _lendable(self, bodies: tuple[Body, ...], at: Place) -> Generator[None, Place, None]:
        """Its body belongs to the request in which it began, unless another request runs it."""
        with self._opened(at) as inside:
            for body in bodies:
                by = yield
                foreign = by == SUPPRESSED or (by.trace not in {OUTSIDE, inside.trace})
                self._guarded_sync(body, by if foreign or inside.trace == OUTSIDE else inside)

    def _resume(self, by: Place) -> None:
        try:
            lent = self._lent.pop()
        except IndexError:
            return
        try:
            lent.send(by)
        except StopIteration:
            return
        self._note(by)
        self._lent.append(lent)

    def _thread(self, op: Op, at: Place) -> None:
        thread = Thread(target=self._guarded_sync, args=(op.bodies[0], at), daemon=True)
        thread.start()
        if op.number % 2:
            self._threads.append(thread)
        else:
            thread.join()

    def _guarded_sync(self, body: Body, at: Place) -> None:
        with suppress(Boom):
            self._sync(body, at)

    def _spawn(self, body: Body, at: Place) -> None:
        coroutine = self._guarded(body, at)
        if threading.current_thread() is threading.main_thread():
            self._later.append(self._loop.create_task(coroutine))
        else:
            self._later.append(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    # --- async ---------------------------------------------------------------------------------------------------

    async def _guarded(self, body: Body, at: Place) -> None:
        with suppress(Boom):
            await self._async(body, at)

    async def _async(self, body: Body, at: Place) -> None:
        for op in body:
            await self._do_async(op, at)

    async def _do_async(self, op: Op, at: Place) -> None:  # noqa: C901 - one case per operation
        match op.kind:
            case Kind.PASS:
                await asyncio.sleep(0)
            case Kind.CATCH:
                await self._guarded(op.bodies[0], at)
            case Kind.AWAIT:
                await self._awaited(op.bodies[0], at)
            case Kind.ASYNC_BLOCK:
                async with span("block"):
                    with self._opened(at, block=True) as inside:
                        await self._async(op.bodies[0], inside)
            case Kind.GATHER:
                await asyncio.gather(*(self._guarded(body, at) for body in op.bodies))
            case Kind.TASK:
                task = asyncio.create_task(self._guarded(op.bodies[0], at))
                await self._wait_or_leave(task, op)
            case Kind.CANCEL:
                await self._cancel(op, at)
            case Kind.TO_THREAD:
                await self._to_the_end(asyncio.to_thread(self._guarded_sync, op.bodies[0], at))
            case Kind.EXECUTOR:
                await self._to_the_end(self._executed(op, at))
            case Kind.ASYNC_GENERATE:
                await self._async_generate(op, at)
            case _:
                self._do(op, at)

    def _executed(self, op: Op, at: Place) -> asyncio.Future[None]:
        """run_in_executor carries no context, but what ``carry`` (which the integration applies) was given does."""
        if op.number % 2 and at != SUPPRESSED:
            return self._loop.run_in_executor(None, carry(self._guarded_sync), op.bodies[0], at)
        return self._loop.run_in_executor(None, self._guarded_sync, op.bodies[0], NOWHERE)

    async def _to_the_end(self, work: Awaitable[None]) -> None:
        """Await a thread that goes on after a cancellation, too; the loop has to wait for it."""
        task = asyncio.ensure_future(work)
        self._later.append(task)
        await asyncio.shield(task)

    async def _wait_or_leave(self, task: asyncio.Task[None], op: Op) -> None:
        if op.number % 2:
            self._later.append(task)
        else:
            await task

    @probe
    async def _awaited(self, body: Body, at: Place) -> None:
        with self._opened(at) as inside:
            await self._async(body, inside)

    async def _cancel(self, op: Op, at: Place) -> None:
        task = asyncio.create_task(self._guarded(op.bodies[0], at))
        for _ in range(op.number % 4):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    @probe
    async def _async_generator(self, bodies: tuple[Body, ...], at: Place) -> AsyncGenerator[None, None]:
        with self._opened(at) as inside:
            for body in bodies:
                if inside == NOWHERE:
                    await self._async(body, inside)
                    yield
                    continue
                async with span("block"):
                    with self._opened(inside, block=True) as innermost:
                        await self._async(body, innermost)
                        yield

    async def _async_generate(self, op: Op, at: Place) -> None:
        generator = self._async_generator(op.bodies[::2], at)
        for body in (*op.bodies[1::2], ()):
            try:
                await anext(generator)
            except StopAsyncIteration:
                return
            await self._async(body, at)
        await generator.aclose()
