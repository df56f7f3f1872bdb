"""Handlers: coroutine functions with a span around each run."""

from __future__ import annotations

import asyncio
import gc
import inspect
from functools import update_wrapper
from typing import Any

import pytest

from scope import span
from scope._core import Handler
from scope.model import SpanKind
from scope.testing import captured

from .inside import inside, outline, recorded


async def add(a: int, *, b: int = 1) -> int:
    with span("inside"):
        await asyncio.sleep(0)
    return a + b


async def fail() -> None:
    raise OSError("o")


def handler(call: Any) -> Any:
    return update_wrapper(Handler(call, call.__name__, int(SpanKind.HANDLER)), call)


def test_each_run_is_a_span_and_gives_what_the_function_gives() -> None:
    traced = handler(add)

    async def work() -> None:
        assert [await traced(1), await traced(1, b=2)] == [2, 3]

    trace = inside(work)
    assert outline(trace) == ["add", "  inside", "add", "  inside"]
    assert {each.kind for each in trace.root.children} == {SpanKind.HANDLER}


def test_outside_a_request_it_is_the_function_itself() -> None:
    with captured() as capture:
        running = handler(add)(1)
        assert inspect.iscoroutine(running)
        assert asyncio.run(running) == 2
    assert [trace.root.name for trace in capture.traces()] == ["inside"]


def test_an_exception_is_recorded_and_passes() -> None:
    async def work() -> None:
        with pytest.raises(OSError, match="o"):
            await handler(fail)()

    (run,) = inside(work).root.children
    assert (run.name, run.status) == ("fail", "error")
    assert run.exception is not None
    assert run.exception.frames[-1].function == "fail"


def test_it_is_a_coroutine_function_to_everybody_who_asks() -> None:
    traced = handler(add)
    assert inspect.iscoroutinefunction(traced)
    assert inspect.signature(traced) == inspect.signature(add)
    assert traced.__code__ is add.__code__


def test_a_run_that_is_dropped_ends_its_span_as_cancelled() -> None:
    async def hang() -> None:
        await asyncio.sleep(10)

    def work() -> None:
        running = handler(hang)()
        running.send(None)
        del running
        gc.collect()

    async def later() -> None:
        work()

    (run,) = inside(later).root.children
    assert (run.name, run.status) == ("hang", "cancelled")


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_a_run_that_is_never_awaited_is_no_span() -> None:
    def work() -> None:
        handler(fail)()
        handler(fail)().close()
        with pytest.raises(KeyError):
            handler(fail)().throw(KeyError())

    assert outline(recorded(work).trace()) == []


def test_a_task_made_of_a_run_is_one_span_of_its_request() -> None:
    async def work() -> None:
        assert await asyncio.create_task(handler(add)(1)) == 2

    assert outline(inside(work)) == ["add", "  inside"]


def test_what_is_no_coroutine_passes_as_it_is() -> None:
    def work() -> None:
        plain: Any = Handler(len, "len", 0)  # type: ignore[arg-type]
        assert plain([1, 2]) == 2

    assert outline(inside(work)) == []


@pytest.mark.parametrize("arguments", [(3, "x", 0), (add, 3, 0), (add, "x", 10), (add, "x", -1)])
def test_faulty_arguments_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises((TypeError, OverflowError)):
        Handler(*arguments)
