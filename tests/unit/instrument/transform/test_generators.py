"""A recorded generator is current while its body runs and nobody's while it is suspended; it behaves as it did."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any

import pytest

from scope import current_request, span
from scope.testing import captured
from tests.unit.core.inside import inside, named, outline, serve

from .twins import PLANS, twins

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = """
import contextlib

def leaf(): return 1

def counted(to):
    for number in range(to):
        leaf()
        sent = yield number
        leaf()

def careful():
    try:
        yield 1
        yield 2
    except KeyError:
        leaf()
        yield "caught"
    finally:
        leaf()

def within():
    with noted():
        x = yield 1
        leaf()

@contextlib.contextmanager
def noted():
    try:
        yield
    finally:
        leaf()

def delegates():
    got = yield from counted(2)
    leaf()
    yield from [1, 2]
    return got

def ends(): return "end"
def nested():
    result = yield from inner_generator()
    return result
def inner_generator():
    yield 1
    return ends()

async def awaited(value):
    leaf()
    await pause()
    leaf()
    return value

async def agenerated(to):
    try:
        for number in range(to):
            await pause()
            leaf()
            yield number
    finally:
        leaf()

def odd():
    first = lambda a=(yield 1): a
    class Second((yield 2) or object): leaf()
    @((yield 3) or (lambda function: function))
    def third(b=(yield 4)): return b
    return first(), Second.__name__, third()

def failing():
    yield 1
    raise ValueError("failed")
"""


@pytest.fixture(params=PLANS)
def made(request: pytest.FixtureRequest) -> Any:
    _, module = twins(SOURCE, plan=PLANS[request.param])
    vars(module)["pause"] = lambda: asyncio.sleep(0)
    return module


def test_what_the_consumer_calls_is_the_consumers(made: Any) -> None:
    def work() -> None:
        for _ in made.counted(2):
            made.ends()

    assert outline(inside(work)) == ["counted", "  leaf", "  leaf", "  leaf", "  leaf", "ends", "ends"]


def test_two_generators_at_once_keep_apart(made: Any) -> None:
    trace = inside(lambda: list(zip(made.counted(2), made.careful(), strict=False)))
    assert outline(trace) == ["counted", "  leaf", "  leaf", "  leaf", "  leaf", "careful", "  leaf"]


def test_what_handles_an_exception_thrown_in_is_the_generators(made: Any) -> None:
    def work() -> None:
        generator = made.careful()
        next(generator)
        assert generator.throw(KeyError("x")) == "caught"
        made.ends()
        generator.close()

    trace = inside(work)
    assert outline(trace) == ["careful", "  leaf", "  leaf", "ends"]
    assert named(trace, "careful").status == "cancelled"


def test_closing_a_generator_runs_what_is_around_its_yield_as_its_own(made: Any) -> None:
    def work() -> None:
        generator = made.within()
        next(generator)
        generator.close()

    assert outline(inside(work)) == ["within", "  noted", "    leaf"]


def test_delegating_makes_the_inner_generator_a_child_and_the_consumers_calls_its_own(made: Any) -> None:
    def work() -> None:
        for _ in made.delegates():
            made.ends()

    assert outline(inside(work)) == [
        "delegates", "  counted", "    leaf", "    leaf", "    leaf", "    leaf", "  leaf",
        "ends", "ends", "ends", "ends",
    ]  # fmt: skip


def test_the_value_of_a_generator_that_is_delegated_to_gets_through(made: Any) -> None:
    def work() -> None:
        generator = made.nested()
        next(generator)
        with pytest.raises(StopIteration) as stop:
            next(generator)
        assert stop.value.value == "end"

    assert outline(inside(work)) == ["nested", "  inner_generator", "    ends"]


def test_a_generator_begun_outside_is_of_no_request(made: Any) -> None:
    generator = made.counted(3)
    next(generator)
    assert outline(inside(lambda: next(generator))) == ["leaf", "leaf"]


def test_a_generator_that_another_request_goes_on_with_calls_for_that_one(made: Any) -> None:
    generators: list[Any] = []

    def begin() -> None:
        generators.append(made.counted(3))
        next(generators[0])

    first = inside(begin)
    assert outline(first) == ["counted", "  leaf"]
    assert outline(inside(lambda: next(generators[0]))) == ["leaf", "leaf"]


def test_a_generator_that_raises_has_failed(made: Any) -> None:
    def work() -> None:
        with pytest.raises(ValueError, match="failed"):
            list(made.failing())

    assert named(inside(work), "failing").status == "error"


def test_yields_in_defaults_decorators_and_bases_are_yields_of_the_generator(made: Any) -> None:
    def work() -> None:
        generator = made.odd()
        yielded = [next(generator)]
        for _ in range(3):
            made.ends()
            yielded.append(generator.send(None))
        with pytest.raises(StopIteration) as stop:
            generator.send("four")
        assert (yielded, stop.value.value) == ([1, 2, 3, 4], (None, "Second", "four"))

    assert outline(inside(work)) == ["odd", "  leaf", "  third", "ends", "ends", "ends"]


def test_a_generator_that_is_forgotten_ends(made: Any) -> None:
    def work() -> None:
        generator = made.careful()
        next(generator)
        del generator
        gc.collect()
        made.ends()

    assert outline(inside(work)) == ["careful", "  leaf", "ends"]


def test_spans_of_ones_own_within_a_generator_nest(made: Any) -> None:
    def work() -> None:
        generator = made.counted(2)
        with span("outer"):
            next(generator)
        with span("later"):
            list(generator)

    assert outline(inside(work)) == ["outer", "  counted", "    leaf", "    leaf", "    leaf", "    leaf", "later"]


def test_coroutines_at_once_keep_apart(made: Any) -> None:
    async def work() -> None:
        assert [*await asyncio.gather(made.awaited(1), made.awaited(2))] == [1, 2]

    assert outline(inside(work)) == ["awaited", "  leaf", "  leaf", "awaited", "  leaf", "  leaf"]


def test_async_generators_suspend_at_their_yields(made: Any) -> None:
    async def work() -> None:
        async with contextlib.aclosing(made.agenerated(3)) as numbers:
            async for number in numbers:
                made.ends()
                if number:
                    break

    assert outline(inside(work)) == ["agenerated", "  leaf", "  leaf", "  leaf", "ends", "ends"]


def test_requests_at_once_keep_apart(made: Any) -> None:
    async def work() -> None:
        request = current_request()
        await made.awaited(1)
        assert current_request() is request

    async def both() -> None:
        await asyncio.gather(serve(work), serve(work))

    with captured() as capture:
        asyncio.run(both())
    assert [outline(trace) for trace in capture.traces()] == [["awaited", "  leaf", "  leaf"]] * 2
