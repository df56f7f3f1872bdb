"""Long steps that belong to no request: they are told with the name of what ran."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from scope import _core
from scope.model import ProcessEvent
from scope.testing import Capture, captured
from tests.unit.core.test_loop import Task, Watched, steps

LONG_S, LONG_NS = 0.002, 2_000_000


@pytest.fixture
def capture() -> Iterator[Capture]:
    _core.set_least(LONG_NS, LONG_NS)
    with captured() as capture:
        yield capture
    _core.set_least(10_000_000, 1_000_000)


def nap(*_: object) -> None:
    time.sleep(LONG_S)


async def napping() -> None:
    nap()


class Napper:
    def __call__(self) -> None:
        nap()

    def method(self) -> None:
        nap()


class Sleeping(Task):
    def step(self, *args: object) -> tuple[object, ...]:
        nap()
        return args


def run(callback: Any, *args: object) -> None:
    loop = Watched()
    loop.call_soon(callback, *args)
    loop.run()


def only(capture: Capture) -> ProcessEvent:
    [event] = capture.process_events()
    return event


def test_a_callback_is_told_by_its_name_and_place(capture: Capture) -> None:
    before_ns = time.time_ns()
    run(nap, 1)
    event = only(capture)
    assert (event.kind, event.name, event.file) == ("step", "nap", __file__)
    assert event.line == nap.__code__.co_firstlineno
    assert event.duration_ns >= LONG_NS
    assert before_ns <= event.start_ns + 1_000_000 <= event.end_ns + 1_000_000 <= time.time_ns() + 2_000_000
    assert event.thread == "MainThread"
    assert not event.left_over


@pytest.mark.parametrize(
    ("callback", "name"),
    [
        (Napper().method, "Napper.method"),
        (Napper(), "Napper"),
        (functools.partial(functools.partial(nap, 1), 2), "nap"),
        (lambda: time.sleep(LONG_S), "<lambda>"),
    ],
)
def test_whatever_is_called_has_a_name(callback: Any, name: str, capture: Capture) -> None:
    run(callback)
    assert only(capture).name == name


def test_a_builtin_has_a_name_and_no_place(capture: Capture) -> None:
    run(time.sleep, LONG_S)
    assert (only(capture).name, only(capture).file, only(capture).line) == ("sleep", "", 0)


def test_a_task_is_told_by_its_coroutine(capture: Capture) -> None:
    coroutine = napping()
    run(Sleeping(coroutine).step)
    coroutine.close()
    assert (only(capture).name, only(capture).line) == ("napping", napping.__code__.co_firstlineno)


def test_a_task_whose_coroutine_is_gone_or_of_a_strange_type_has_a_name_nonetheless(capture: Capture) -> None:
    run(Sleeping(None).step)
    run(Sleeping(Napper()).step)
    assert [event.name for event in capture.process_events()] == ["NoneType", "Napper"]


def test_what_looks_up_attributes_in_its_own_way_is_not_asked(capture: Capture) -> None:
    class Curious:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

        def __call__(self) -> None:
            nap()

    run(Curious())
    assert only(capture).name.endswith("Curious")


def test_how_long_it_could_have_run_before_is_told(capture: Capture) -> None:
    loop = Watched()
    loop.call_at(time.monotonic() - 5, nap)
    loop.run()
    assert only(capture).waited_ns >= 5_000_000_000


def test_an_exception_passes_and_the_step_is_told(capture: Capture) -> None:
    def fail() -> None:
        nap()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(fail)
    assert only(capture).name.endswith("fail")


def test_what_a_request_left_over_is_told_as_such(capture: Capture) -> None:
    request = _core.begin_request({"type": "http", "path": "/", "headers": []}, b"x-request-id", True)
    assert request is not None
    before = request.activate()
    request.end(0)
    run(Sleeping().step)
    request.deactivate(before)
    assert only(capture).left_over
    assert steps(capture) == []


def test_a_long_callback_in_a_request_is_a_step_of_that(capture: Capture) -> None:
    """Though it is no task's, it is the request that held the loop."""
    request = _core.begin_request({"type": "http", "path": "/", "headers": []}, b"x-request-id", True)
    assert request is not None
    before = request.activate()
    run(nap)
    request.deactivate(before)
    request.end(0)
    assert [step["ran_ns"] >= LONG_NS for step in steps(capture)] == [True]
    assert capture.process_events() == []


def test_work_in_a_thread_of_a_pool_holds_no_loop(capture: Capture) -> None:
    _core.queued(nap)()
    assert capture.process_events() == []


def test_without_a_session_nothing_is_told() -> None:
    _core.set_least(0, 0)
    run(nap)
    _core.gc_pause("start", {})
    _core.gc_pause("stop", {"generation": 0, "collected": 0, "uncollectable": 0})
    _core.set_least(10_000_000, 1_000_000)


def test_code_of_one_place_is_defined_once(capture: Capture) -> None:
    """Also where it is compiled anew each time, as a template may be."""
    session = _core.get_session()
    assert session is not None
    counts: set[int] = set()
    for _ in range(3):
        found: dict[str, Any] = {"time": time}
        exec(compile(f"def made(): time.sleep({LONG_S})", "made.py", "exec"), found)
        run(found["made"])
        counts.add(session.statistics()["definitions"])
    assert [event.name for event in capture.process_events()] == ["made"] * 3
    assert len(counts) == 1
