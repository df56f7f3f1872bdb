"""Real loops: what a request does while another holds its loop, sleeps, or works in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio.to_thread
import pytest
import uvloop

from scope import ScopeMiddleware
from scope.integrations import install
from scope.model import State, Trace
from scope.testing import Capture
from scope.views.states import states, totals

Run = Callable[[Coroutine[Any, Any, None]], None]
MS = 1_000_000


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    with install(["threads", "loops"]):
        yield


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param  # type: ignore[no-any-return]


def calling(handler: Callable[[str], Awaitable[None]]) -> Callable[[str], Coroutine[Any, Any, None]]:
    """What sends a request for a path to an application that is ``handler``."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await handler(scope["path"])

    middleware = ScopeMiddleware(app)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        pass

    async def call(path: str) -> None:
        await middleware({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)

    return call


def trace_of(capture: Capture, path: str) -> Trace:
    [found] = [each for each in capture.traces() if each.request.path == path]
    return found


def spent(trace: Trace) -> dict[State, float]:
    """Milliseconds in each state."""
    sums = totals(states(trace))
    assert sum(sums.values()) == trace.request.duration_ns
    return {state: sums.get(state, 0) / MS for state in State}


def test_who_sleeps_while_another_holds_the_loop_waits_for_it(run: Run, capture: Capture) -> None:
    async def handler(path: str) -> None:
        if path == "/block":
            time.sleep(0.1)  # noqa: ASYNC251 - the fault that is to be seen
        else:
            await asyncio.sleep(0.02)

    async def main() -> None:
        call = calling(handler)
        victim = asyncio.create_task(call("/victim"))
        await asyncio.sleep(0.005)
        await asyncio.gather(victim, call("/block"))

    run(main())
    culprit, victim = spent(trace_of(capture, "/block")), spent(trace_of(capture, "/victim"))
    assert culprit[State.RUNNING] >= 100
    assert 80 <= victim[State.WAITING_FOR_LOOP] < victim[State.WAITING_FOR_LOOP] + victim[State.AWAITING]
    assert 19 <= victim[State.AWAITING] <= 25
    labels = {each.label for each in states(trace_of(capture, "/victim")) if each.state is State.AWAITING}
    assert labels == {"sleep"}


async def by_executor(pool: ThreadPoolExecutor) -> None:
    await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0.03)


async def by_anyio(_: ThreadPoolExecutor) -> None:
    await anyio.to_thread.run_sync(time.sleep, 0.03, limiter=LIMITERS[0])


LIMITERS: list[Any] = []


@pytest.mark.parametrize("work", [by_executor, by_anyio])
def test_work_in_a_pool_waits_for_a_thread_and_runs_in_one(
    run: Run, capture: Capture, work: Callable[[ThreadPoolExecutor], Awaitable[None]]
) -> None:
    async def main() -> None:
        LIMITERS[:] = [anyio.CapacityLimiter(1)]
        with ThreadPoolExecutor(1) as pool:
            call = calling(lambda _: work(pool))
            await asyncio.gather(call("/first"), call("/second"))

    run(main())
    first, second = spent(trace_of(capture, "/first")), spent(trace_of(capture, "/second"))
    assert min(first[State.IN_THREAD], second[State.IN_THREAD]) >= 29  # the loop may already run while a thread ends
    assert first[State.WAITING_FOR_THREAD] < second[State.WAITING_FOR_THREAD]
    assert second[State.WAITING_FOR_THREAD] >= 29


def test_a_loop_in_debug_mode_works_and_says_what_it_always_says(
    capture: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(path: str) -> None:
        await asyncio.sleep(0)
        time.sleep(0.12)  # noqa: ASYNC251 - slow on purpose

    asyncio.run(calling(handler)("/slow"), debug=True)
    assert "Executing <Task" in caplog.text
    assert spent(trace_of(capture, "/slow"))[State.RUNNING] >= 120


def test_what_is_scheduled_runs_also_after_the_integration_is_undone(run: Run, capture: Capture) -> None:
    async def main() -> None:
        with install(["loops"]):
            loop = asyncio.get_running_loop()
            done = loop.create_future()
            loop.call_later(0.001, done.set_result, "answer")
            loop.call_soon_threadsafe(int)
        assert await done == "answer"

    run(main())


def test_loops_are_as_they_were_when_it_is_undone() -> None:
    with install(["loops"]):
        pass
    assert "call_soon" in vars(asyncio.BaseEventLoop)
    assert "call_soon" not in vars(uvloop.Loop) or hasattr(uvloop.Loop.call_soon, "__wrapped__")
