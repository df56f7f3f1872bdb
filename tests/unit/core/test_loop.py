"""Steps: what is wrapped behaves like what it wraps, and its times are right."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

import scope
from scope import _core
from scope.model import EventType
from scope.testing import Capture, captured
from scope.wire.definitions import decode_definition


class Loop:
    """What asyncio's loops look like from here; nothing runs before it is told to."""

    def __init__(self) -> None:
        self.given: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []

    def call_soon(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.given.append((callback, args, kwargs))

    def call_at(self, when: Any, callback: Callable[..., Any], *args: Any) -> Any:
        self.given.append((callback, args, {}))
        return when

    def run(self) -> Any:
        callback, args, _ = self.given.pop(0)
        return callback(*args)


class Watched(Loop):
    call_soon = _core.loop_method(Loop.call_soon, "call_soon")
    call_at = _core.loop_method(Loop.call_at, "call_at")
    call_later = _core.loop_method(Loop.call_at, "call_later")


@pytest.fixture
def capture() -> Iterator[Capture]:
    with captured() as capture:
        yield capture


@pytest.fixture
def request_(capture: Capture) -> Iterator[_core.Request]:
    begun = _core.begin_request({"type": "http", "path": "/", "headers": []}, b"x-request-id", True)
    assert begun is not None
    before = begun.activate()
    yield begun
    begun.deactivate(before)
    begun.end(0)


class Task:
    """A task as its steps show it: bound methods of something that has a coroutine."""

    def __init__(self, *coroutines: Any) -> None:
        self.coroutine = coroutines[0] if coroutines else None
        self.ran: list[object] = []

    def get_coro(self) -> Any:
        return self.coroutine

    def step(self, *args: object) -> tuple[object, ...]:
        self.ran.append(args)
        return args

    def fail(self) -> None:
        raise KeyError("mine")


def steps(capture: Capture) -> list[dict[str, Any]]:
    return [
        {**event.payload, "time_ns": event.time_ns, "span": event.span, "site": event.site}
        for event in capture.events()
        if event.type is EventType.LOOP_STEP
    ]


def test_a_callback_gets_its_arguments_and_its_result_is_returned(request_: _core.Request) -> None:
    loop, task = Watched(), Task()
    loop.call_soon(task.step, 1, 2, context="c")
    assert loop.given[0][1:] == ((1, 2), {"context": "c"})
    assert loop.run() == (1, 2)
    assert task.ran == [(1, 2)]


def test_a_step_tells_how_long_it_waited_and_ran(capture: Capture, request_: _core.Request) -> None:
    loop, began = Watched(), time.monotonic_ns()
    loop.call_soon(Task().step)
    time.sleep(0.02)
    loop.call_soon(Task().step)
    loop.run()
    ended = time.monotonic_ns()
    loop.run()
    waited, at_once = steps(capture)
    assert 20_000_000 <= waited["waited_ns"] <= ended - began
    assert waited["waited_ns"] + waited["ran_ns"] <= ended - began
    assert began < waited["time_ns"] < ended
    assert at_once["waited_ns"] < waited["waited_ns"]
    assert waited["flags"] == 0


def test_a_timer_waits_from_its_due_time_on(capture: Capture, request_: _core.Request) -> None:
    loop = Watched()
    due = time.monotonic() - 5
    assert loop.call_at(due, Task().step) == due
    loop.call_later(0.001, Task().step)
    loop.call_later(60, Task().step)
    time.sleep(0.02)
    for _ in range(3):
        loop.run()
    late, soon, early = (each["waited_ns"] for each in steps(capture))
    assert 5.0 <= late / 1e9 < 65
    assert 0.019 <= soon / 1e9 < 5
    assert early == 0


@pytest.mark.parametrize("when", [None, "soon", float("nan"), -1.0, 1e300, 7])
def test_a_time_that_is_none_is_the_loops_own_affair(when: object, request_: _core.Request) -> None:
    loop = Watched()
    assert loop.call_at(when, Task().step, 3) is when
    assert loop.run() == (3,)


def test_what_a_passing_callback_schedules_has_been_ready_since_it_was(
    capture: Capture, request_: _core.Request
) -> None:
    loop, task = Watched(), Task()

    def wake() -> None:
        loop.call_soon(task.step)

    loop.call_at(time.monotonic() - 3, wake)
    loop.run()
    loop.run()
    [step] = steps(capture)
    assert step["waited_ns"] >= 3_000_000_000


def test_what_a_task_schedules_is_ready_when_it_says_so(capture: Capture, request_: _core.Request) -> None:
    loop, task = Watched(), Task()

    class Waking(Task):
        def step(self, *args: object) -> tuple[object, ...]:
            loop.call_soon(task.step)
            return args

    loop.call_at(time.monotonic() - 3, Waking().step)
    loop.run()
    loop.run()
    assert steps(capture)[1]["waited_ns"] < 3_000_000_000


def test_an_exception_passes_unchanged_and_the_step_is_told(capture: Capture, request_: _core.Request) -> None:
    loop = Watched()
    loop.call_soon(Task().fail)
    with pytest.raises(KeyError, match="mine"):
        loop.run()
    assert len(steps(capture)) == 1


def test_a_short_step_outside_any_request_is_not_told(capture: Capture) -> None:
    loop = Watched()
    loop.call_soon(Task().step)
    loop.run()
    assert steps(capture) == []
    assert capture.process_events() == []


def test_a_request_that_begins_and_ends_within_a_step_has_its_part_of_it(capture: Capture) -> None:
    loop = Watched()

    class Serving(Task):
        def step(self, *args: object) -> tuple[object, ...]:
            for path in ("/1", "/2"):
                begun = _core.begin_request({"type": "http", "path": path, "headers": []}, b"x-request-id", True)
                assert begun is not None
                time.sleep(0.01)
                begun.end(0)
            return args

    loop.call_at(time.monotonic() - 3, Serving().step)
    loop.run()
    first, second = steps(capture)
    assert (first["waited_ns"] >= 3_000_000_000, second["waited_ns"]) == (True, 0)
    assert all(10_000_000 <= each["ran_ns"] < 3_000_000_000 for each in (first, second))
    order = [event.type.name for event in capture.events() if event.request == 1]
    assert order[-2:] == ["LOOP_STEP", "REQUEST_END"]


def test_a_request_that_has_ended_has_no_more_steps(capture: Capture, request_: _core.Request) -> None:
    loop = Watched()
    loop.call_soon(Task().step)
    request_.end(0)
    loop.run()
    assert steps(capture) == []


def test_a_step_belongs_to_the_span_that_is_current_when_it_ends(capture: Capture, request_: _core.Request) -> None:
    loop = Watched()
    loop.call_soon(Task().step)
    with scope.span("inner"):
        loop.run()
    [step] = steps(capture)
    assert step["span"] == 2


def test_it_names_the_innermost_coroutine_that_stands_still(capture: Capture, request_: _core.Request) -> None:
    loop = Watched()

    class Forever:
        def __await__(self) -> Generator[None]:
            yield

    async def inner() -> None:
        await Forever()

    async def outer() -> None:
        await inner()

    suspended, at_its_own, ended = outer(), inner(), inner()
    for coroutine in (suspended, at_its_own, ended):
        coroutine.send(None)
    with pytest.raises(StopIteration):
        ended.send(None)
    for coroutine in (suspended, at_its_own, ended):
        loop.call_soon(Task(coroutine).step)
        loop.run()
    names = [each.name for each in capture_definitions(capture)]
    told = [names[each["site"] - 1].rpartition(".")[2] if each["site"] else "" for each in steps(capture)]
    suspended.close()
    at_its_own.close()
    assert told == ["inner", "inner", ""]


def capture_definitions(capture: Capture) -> list[Any]:
    session = _core.get_session()
    assert session is not None
    segment = _core.Segment(session.path)
    try:
        return [decode_definition(each) for each in segment.definitions()]
    finally:
        segment.close()


def test_a_wrapped_callback_looks_like_what_it_wraps(request_: _core.Request) -> None:
    loop, task = Watched(), Task()
    loop.call_soon(task.step)
    [(callback, _, _)] = loop.given
    found: Any = callback
    assert repr(found) == repr(task.step)
    assert (found.__self__, found.__name__, found.__wrapped__) == (task, "step", task.step)
    with pytest.raises(AttributeError, match="colour"):
        _ = found.colour
    soon: Any = Watched.call_soon
    assert (soon.__name__, soon.__qualname__, soon.__wrapped__) == ("call_soon", "Loop.call_soon", Loop.call_soon)


def test_it_is_not_wrapped_twice(request_: _core.Request) -> None:
    loop = Watched()
    loop.call_soon(Task().step)
    callback = loop.given[0][0]
    loop.call_soon(callback)
    assert loop.given[1][0] is callback


def test_a_step_that_was_scheduled_before_the_session_began_is_told() -> None:
    loop, task = Watched(), Task()
    loop.call_soon(task.step)
    with captured() as capture:
        begun = _core.begin_request({"type": "http", "path": "/", "headers": []}, b"x-request-id", True)
        assert begun is not None
        before = begun.activate()
        assert loop.run() == ()
        begun.deactivate(before)
        assert len(steps(capture)) == 1


def test_with_odd_arguments_the_call_is_the_loops_own() -> None:
    loop, task = Watched(), Task()
    with captured():
        loop.call_soon(task.step, *range(40))
        assert loop.given[0][0] == task.step
        with pytest.raises(TypeError, match="callback"):
            loop.call_soon()  # pyright: ignore[reportCallIssue]
        loop.call_soon(callback=task.step)
        assert loop.given[1][0] == task.step


def test_a_mode_that_is_none_is_said() -> None:
    with pytest.raises(ValueError, match="call_soon, call_at or call_later, not call_never"):
        _core.loop_method(Loop.call_soon, "call_never")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_callback_that_refers_to_itself_is_collected(request_: _core.Request) -> None:
    loop, task = Watched(), Task()
    gone = weakref.ref(task)
    loop.call_soon(task.step)
    task.ran.append(loop.given.pop()[0])
    del task
    gc.collect()
    assert gone() is None


def test_a_call_handed_to_a_thread_waits_and_runs_there(capture: Capture, request_: _core.Request) -> None:
    def work(seconds: float) -> str:
        time.sleep(seconds)
        return "done"

    call, answers = _core.queued(work), []
    time.sleep(0.01)

    def run() -> None:
        before = request_.activate()
        answers.append(call(0.02))
        request_.deactivate(before)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    [step] = steps(capture)
    assert answers == ["done"]
    assert step["flags"] == 1
    assert step["waited_ns"] >= 10_000_000
    assert step["ran_ns"] >= 20_000_000


def test_real_tasks_are_recognised(capture: Capture, request_: _core.Request) -> None:
    """Those of C hand out wrappers of types of their own."""
    loop = asyncio.new_event_loop()
    kind: Any = type("Loop", (type(loop),), {"call_soon": _core.loop_method(type(loop).call_soon, "call_soon")})
    loop.close()

    async def nap() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)

    watched = kind()
    try:
        watched.run_until_complete(nap())
    finally:
        watched.close()
    names = [each.name for each in capture_definitions(capture)]
    told = [names[each["site"] - 1] if each["site"] else "" for each in steps(capture)]
    assert told == ["sleep", "sleep", ""]
