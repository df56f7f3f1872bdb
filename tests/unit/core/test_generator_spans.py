"""What is current while a generator runs, and while it is suspended."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager

import pytest

from scope import annotate, current_request, probe, span, suppressed
from scope.testing import captured
from tests.unit.core.steps import step, stride

from .inside import inside, named, outline, recorded, serve

pytestmark = pytest.mark.usefixtures("no_integrations")


@probe
def numbers(count: int) -> Generator[int, None, None]:
    with span("lifetime"):
        for number in range(count):
            step()
            yield number


def test_what_a_probed_generator_does_is_its_own_and_what_its_consumer_does_is_not() -> None:
    def work() -> None:
        with span("consumer"):
            for _ in numbers(2):
                with span("item"):
                    pass

    assert outline(inside(work)) == [
        "consumer",
        "  numbers",
        "    lifetime",
        "      step",
        "      step",
        *["  item"] * 2,
    ]


def test_two_probed_generators_taken_in_turn_stay_apart() -> None:
    def work() -> None:
        for _ in zip(numbers(2), numbers(2), strict=True):
            step()

    part = ["numbers", "  lifetime", "    step", "    step"]
    assert outline(inside(work)) == [*part, *part, "step", "step"]


def test_a_generator_that_another_request_takes_on_leaves_it_its_context() -> None:
    """What it does there is that request's, and its own span is still ended once."""
    shared: list[Generator[int, None, None]] = []

    @probe
    def ids() -> Generator[int, None, None]:
        for number in range(3):
            annotate(**{f"given {number}": number})
            step()
            yield number

    def first() -> None:
        shared.append(ids())
        next(shared[0])

    def second() -> None:
        with span("mine"):
            next(shared[0])
            step()
        assert current_request() is not None
        assert list(shared[0]) == [2]
        step()

    async def both() -> None:
        await serve(first)
        await serve(second)

    with captured() as capture:
        asyncio.run(both())
    one, two = capture.traces()
    assert outline(one) == ["ids", "  step"]
    assert named(one, "ids").attributes == {"given 0": 0}
    assert named(one, "ids").status == "ok"
    assert outline(two) == ["mine", "  step", "  step", "step", "step"]
    assert two.root.attributes["given 2"] == 2


def test_a_generator_taken_on_under_suppression_does_not_end_it() -> None:
    def work() -> None:
        items = numbers(3)
        next(items)
        with suppressed():
            next(items)
            step()
            assert current_request() is None
        assert list(items) == [2]

    assert outline(inside(work)) == ["numbers", "  lifetime", "    step", "    step"]


def test_a_generator_begun_outside_any_request_belongs_to_none() -> None:
    @probe
    def endless() -> Generator[None, None, None]:
        while True:
            step()
            yield

    items = endless()
    with captured() as capture:
        next(items)
        asyncio.run(serve(lambda: next(items)))
        asyncio.run(serve(lambda: next(items)))
        items.close()
    assert [outline(trace) for trace in capture.traces()] == [["step"], ["step"]]


def test_a_generator_closed_elsewhere_is_ended_without_noise(caplog: pytest.LogCaptureFixture) -> None:
    left: list[Generator[int, None, None]] = []

    def work() -> None:
        left.append(numbers(3))
        next(left[0])

    with captured() as capture:
        asyncio.run(serve(work))
        contextvars.copy_context().run(left[0].close)
        step()
    trace = capture.trace()
    assert outline(trace) == ["numbers", "  lifetime", "    step"]
    assert {span.status for _, span in trace.spans()} == {"ok", "cancelled"}
    assert caplog.records == []


def test_a_generator_that_is_collected_is_ended() -> None:
    def work() -> None:
        next(numbers(3))
        gc.collect()
        step()

    trace = inside(work)
    assert outline(trace) == ["numbers", "  lifetime", "    step", "step"]
    assert named(trace, "numbers").status == "cancelled"


def test_a_plain_generator_shares_its_consumers_context() -> None:
    """As context variables do: a span open across a yield is current for the consumer until it is closed."""

    @contextmanager
    def transaction() -> Generator[None, None, None]:
        with span("transaction"):
            yield

    def work() -> None:
        with transaction():
            step()
        step()

    assert outline(inside(work)) == ["transaction", "  step", "step"]


def test_an_async_generator_is_its_own_span_and_its_consumer_is_not_in_it() -> None:
    @probe
    async def rows() -> AsyncGenerator[int, None]:
        async with span("query"):
            for number in range(2):
                await stride()
                yield number

    async def work() -> None:
        async for _ in rows():
            await asyncio.sleep(0)
            step()

    trace = inside(work)
    assert outline(trace) == ["rows", "  query", *["    stride", "      step"] * 2, "step", "step"]
    assert {span.status for _, span in trace.spans()} == {"ok"}


def test_an_async_generator_that_is_left_is_closed_by_the_loop_without_noise(caplog: pytest.LogCaptureFixture) -> None:
    left: list[AsyncGenerator[int, None]] = []

    @probe
    async def rows() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            step()

    async def work() -> None:
        left.append(rows())
        await anext(left[0])

    trace = recorded(work).trace()
    assert outline(trace) == ["rows", "  step"]
    assert named(trace, "rows").status == "cancelled"
    assert caplog.records == []


@pytest.mark.parametrize("close", [True, False])
def test_one_async_generator_can_be_taken_by_several_tasks(close: bool) -> None:
    @probe
    async def queue() -> AsyncGenerator[int, None]:
        for number in range(4):
            await stride()
            yield number

    async def work() -> None:
        items = queue()

        async def take() -> None:
            with span("taker"):
                await anext(items)
                step()

        for _ in range(3):
            await asyncio.create_task(take())
        if close:
            await items.aclose()

    trace = inside(work)
    assert outline(trace) == [
        "taker", "  queue", *["    stride", "      step"] * 3, "  step", "taker", "  step", "taker", "  step",
    ]  # fmt: skip


def test_the_request_before_is_current_again_after_one_within() -> None:
    """As when a test client is used inside a span, or one application calls another."""

    async def work() -> None:
        with span("caller"):
            await serve(step)
            step()

    with captured() as capture:
        asyncio.run(serve(work))
    outer, inner = capture.traces()
    assert outline(outer) == ["caller", "  step"]
    assert outline(inner) == ["step"]
