"""The asyncio tasks of a request: when they were made, first ran and ended, and how; on real loops."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

import scope
from scope import ScopeMiddleware, _core
from scope.integrations import install
from scope.model import AsyncTask, Event, EventType, Trace
from scope.testing import Capture, captured

Run = Callable[[Coroutine[Any, Any, Any]], Any]
App = Callable[[], Awaitable[None]]


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    with install(["loops"]):
        yield


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param  # type: ignore[no-any-return]


async def serve(handler: App) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await handler()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(_message: Any) -> None:
        pass

    await ScopeMiddleware(app)({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)


def tasks_of(run: Run, handler: App) -> tuple[AsyncTask, ...]:
    return traced(run, handler).tasks


def traced(run: Run, handler: App, after: App | None = None) -> Trace:
    async def main() -> None:
        await serve(handler)
        if after:
            await after()

    with captured() as capture:
        run(main())
    return capture.trace()


async def nap(turns: int = 1) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def fail() -> None:
    await nap()
    raise KeyError("mine")


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


def test_a_task_is_told_with_its_name_its_code_and_its_times(run: Run) -> None:
    async def handler() -> None:
        await asyncio.create_task(nap(3), name="napping")

    [task] = tasks_of(run, handler)
    assert (task.coroutine, task.file, task.line) == ("nap", __file__, nap.__code__.co_firstlineno)
    assert (task.status, task.error, task.steps) == ("ok", "", 4)
    assert task.created_ns is not None
    assert task.end_ns is not None
    assert task.created_ns <= task.start_ns <= task.end_ns
    assert 0 < task.ran_ns <= task.end_ns - task.start_ns
    assert task.waited_ns >= task.start_ns - task.created_ns


def test_it_is_of_the_span_that_was_current_where_it_was_made(run: Run) -> None:
    async def handler() -> None:
        with scope.span("outer"):
            made = asyncio.create_task(nap(2))
        with scope.span("inner"):
            await asyncio.gather(made, nap())

    trace = traced(run, handler)
    names = {span.span_id: span.name for _, span in trace.spans()}
    assert [names[task.span_id] for task in trace.tasks] == ["outer", "inner"]


def test_how_it_ended_is_told(run: Run) -> None:
    async def handler() -> None:
        unbegun, failing, waiting = map(asyncio.create_task, (nap(), fail(), forever()))
        unbegun.cancel()
        await nap(2)
        waiting.cancel()
        await asyncio.gather(unbegun, failing, waiting, return_exceptions=True)

    told = {(task.coroutine, task.status, task.error) for task in tasks_of(run, handler)}
    assert told == {("nap", "cancelled", ""), ("fail", "error", "KeyError"), ("forever", "cancelled", "")}


def test_those_of_a_group_are_told_like_others(run: Run) -> None:
    async def handler() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(nap())

    assert [task.status for task in tasks_of(run, handler)] == ["ok"] * 3


def test_the_request_s_own_task_is_none_of_them(run: Run) -> None:
    async def handler() -> None:
        await nap(3)

    assert tasks_of(run, handler) == ()


def test_nor_is_the_task_of_one_request_that_of_the_next(run: Run) -> None:
    async def main() -> None:
        await serve(nap)
        await serve(nap)

    with captured() as capture:
        run(main())
    assert [trace.tasks for trace in capture.traces()] == [(), ()]


def test_nor_is_the_task_of_a_span_outside_any_request(run: Run) -> None:
    async def main() -> None:
        with scope.span("alone"):
            await nap()
            await asyncio.create_task(nap())

    with captured() as capture:
        run(main())
    assert [task.coroutine for task in capture.trace().tasks] == ["nap"]


def test_one_that_outlives_its_request_is_told_to_its_end_which_is_not_the_request_s(run: Run) -> None:
    made: list[asyncio.Task[None]] = []

    async def handler() -> None:
        made.append(asyncio.create_task(nap(5)))
        await nap()

    async def after() -> None:
        await made[0]

    trace = traced(run, handler, after)
    [task] = trace.tasks
    request_end_ns = trace.request.start_ns + trace.request.duration_ns + trace.request.background_ns
    assert task.status == "ok"
    assert task.end_ns is not None
    assert task.end_ns > request_end_ns


def test_one_that_has_not_ended_is_open(run: Run) -> None:
    kept: list[object] = []

    async def handler() -> None:
        kept.append(asyncio.create_task(forever()))
        await nap()

    with captured() as capture:

        async def main() -> None:
            await serve(handler)
            [task] = capture.trace().tasks
            assert (task.status, task.end_ns) == ("open", None)

        run(main())


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are eager tasks from 3.12 on")
def test_of_an_eager_task_that_waits_the_making_is_not_known() -> None:
    async def handler() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore]
        at_once, waiting = asyncio.create_task(asyncio.sleep(0, 1)), asyncio.create_task(nap(0))
        await asyncio.gather(at_once, waiting)

    [task] = tasks_of(asyncio.run, handler)
    assert (task.created_ns, task.status) == (None, "ok")


def test_a_task_is_not_kept_alive(run: Run) -> None:
    gone: list[bool] = []

    async def handler() -> None:
        task = asyncio.create_task(nap())
        reference = weakref.ref(task)
        await task
        del task
        await nap()  # what woke us has it still
        gc.collect()
        gone.append(reference() is None)

    tasks_of(run, handler)
    assert gone == [True]


def test_an_exception_that_nobody_retrieves_is_still_complained_of(run: Run) -> None:
    complaints: list[str] = []

    async def handler() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))
        task = asyncio.create_task(fail())
        await nap(4)
        del task
        gc.collect()

    tasks_of(run, handler)
    assert complaints == ["Task exception was never retrieved"]


def test_a_secret_in_a_name_is_masked(run: Run) -> None:
    async def handler() -> None:
        await asyncio.create_task(nap(), name="charge 4111111111111111")

    [task] = tasks_of(run, handler)
    assert "4111" not in task.name


def test_many_at_a_time_are_told_apart(run: Run) -> None:
    async def handler() -> None:
        await asyncio.gather(*(nap(turns % 7) for turns in range(300)))

    with captured(lane_bytes=1 << 22) as capture:
        run(serve(handler))
    tasks = capture.trace().tasks
    assert [task.steps for task in tasks] == [turns % 7 + 1 for turns in range(300)]
    assert {task.status for task in tasks} == {"ok"}


def test_beyond_a_bound_they_are_counted(run: Run) -> None:
    async def handler() -> None:
        for _ in range(20):
            await asyncio.gather(*(nap(0) for _ in range(501)))

    with captured(lane_bytes=1 << 23) as capture:
        run(serve(handler))
    trace = capture.trace()
    assert len(trace.tasks) == 10_000
    assert trace.root.attributes["scope.held_back_tasks"] == 20


class Strange:
    """What is called like a task and is none."""

    def get_coro(self) -> None:
        raise LookupError

    def step(self) -> None:
        pass


def test_what_does_not_answer_like_a_task_is_told_as_far_as_it_does() -> None:
    with captured() as capture:
        request = _core.begin_request({"type": "http", "path": "/", "headers": []}, b"x-request-id", True)
        assert request is not None
        before = request.activate()
        strange = Strange()
        loop: list[Any] = []
        _core.loop_method(lambda _, callback: loop.append(callback), "call_soon")(None, strange.step)
        loop[0]()
        request.deactivate(before)
        request.end(0)
    kinds = [event.type for event in events_of(capture)]
    assert EventType.ASYNC_TASK_BEGIN in kinds
    assert EventType.ASYNC_TASK_END not in kinds


def events_of(capture: Capture) -> list[Event]:
    return capture.events()
