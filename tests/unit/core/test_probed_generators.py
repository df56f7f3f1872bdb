"""A probed generator behaves as the generator does."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Generator
from typing import Any

import pytest

from scope import annotate, probe
from tests.unit.core.probed import acount, add, count, each_way, later

from .inside import inside, named, outline

pytestmark = pytest.mark.usefixtures("no_integrations")


# --- generators ------------------------------------------------------------------------------------------------------


def test_a_generator_gives_receives_and_returns_as_before() -> None:
    def work() -> tuple[list[int], str]:
        items = count(3)
        given = [next(items), items.send("a"), items.send("b")]
        with pytest.raises(StopIteration) as info:
            items.send("c")
        return given, info.value.value

    assert each_way(work) == [([0, 1, 2], "a,b,c")] * 2


def test_yield_from_a_probed_generator_gives_its_return_value() -> None:
    def outer() -> Generator[int, str | None, str]:
        return (yield from count(2))

    assert each_way(lambda: list(outer())) == [[0, 1], [0, 1]]
    assert list(inspect.signature(count).parameters) == ["to"]


def test_an_exception_thrown_into_a_generator_is_its_to_handle() -> None:
    @probe
    def resilient() -> Generator[str, None, None]:
        try:
            yield "first"
        except KeyError as error:
            yield f"caught {error.args[0]}"

    def work() -> tuple[str, str]:
        items = resilient()
        return next(items), items.throw(KeyError("x"))

    assert each_way(work) == [("first", "caught x")] * 2


def test_an_exception_that_leaves_a_generator_ends_it() -> None:
    error = KeyError("x")

    @probe
    def failing() -> Generator[int, None, None]:
        yield 1
        raise error

    def work() -> None:
        items = failing()
        next(items)
        with pytest.raises(KeyError) as info:
            next(items)
        assert info.value is error
        with pytest.raises(StopIteration):
            next(items)

    work()
    assert named(inside(work), "failing").status == "error"


@pytest.mark.parametrize("started", [False, True])
def test_closing_runs_what_the_generator_does_at_its_end(started: bool) -> None:
    did: list[str] = []

    @probe
    def careful() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            did.append("cleaned up")
            add(1)

    def work() -> None:
        items = careful()
        if started:
            next(items)
        items.close()
        items.close()

    trace = inside(work)
    assert did == ["cleaned up"] * started
    assert outline(trace) == ["careful", "  add"] * started


def test_a_generator_that_ignores_its_closing_fails_as_before() -> None:
    @probe
    def stubborn() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            yield 2

    def work() -> None:
        items = stubborn()
        next(items)
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            items.close()

    work()
    inside(work)


def test_a_generator_that_raises_while_it_is_closed_raises_that() -> None:
    @probe
    def breaking() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            raise KeyError("at the end")

    def work() -> None:
        items = breaking()
        next(items)
        with pytest.raises(KeyError, match="at the end"):
            items.close()

    work()
    assert named(inside(work), "breaking").status == "error"


def test_a_generator_knows_its_span_in_every_step() -> None:
    @probe
    def noting() -> Generator[None, None, None]:
        for number in range(3):
            annotate(**{f"step {number}": True})
            yield

    assert len(named(inside(lambda: list(noting())), "noting").attributes) == 3


# --- async generators ------------------------------------------------------------------------------------------------


async def _taken(items: AsyncGenerator[Any, Any]) -> list[Any]:
    return [item async for item in items]


def test_an_async_generator_gives_what_it_gave() -> None:
    assert each_way(lambda: _taken(acount(3))) == [[0, 1, 2]] * 2


def test_an_async_generator_takes_what_is_sent_and_thrown() -> None:
    @probe
    async def echo() -> AsyncGenerator[str, str]:
        said = "ready"
        while True:
            try:
                said = f"heard {yield said}"
            except KeyError as error:
                said = f"caught {error.args[0]}"

    async def work() -> list[str]:
        items = echo()
        got = [await anext(items), await items.asend("a"), await items.athrow(KeyError("b")), await items.asend("c")]
        await items.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(items)
        return got

    assert each_way(work) == [["ready", "heard a", "caught b", "heard c"]] * 2


def test_an_exception_that_leaves_an_async_generator_ends_it() -> None:
    @probe
    async def failing() -> AsyncGenerator[int, None]:
        yield 1
        raise KeyError

    async def work() -> None:
        with pytest.raises(KeyError):
            await _taken(failing())

    assert named(inside(work), "failing").status == "error"


def test_an_async_generator_that_raises_while_it_is_closed_raises_that() -> None:
    @probe
    async def breaking() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            raise KeyError("at the end")

    async def work() -> None:
        items = breaking()
        await anext(items)
        with pytest.raises(KeyError, match="at the end"):
            await items.aclose()

    assert named(inside(work), "breaking").status == "error"


def test_the_event_loops_hooks_for_async_generators_are_as_they_were() -> None:
    async def work() -> None:
        import sys

        before = sys.get_asyncgen_hooks()
        items = acount(2)
        await anext(items)
        assert sys.get_asyncgen_hooks() == before
        await items.aclose()

    inside(work)


def test_awaitables_of_a_class_pass_through_a_sync_probe() -> None:
    """A function that returns an awaitable is no coroutine function: its call ends when it returns."""

    @probe
    def make() -> Awaitable[int]:
        return later(5)

    async def work() -> int:
        return await make()

    assert each_way(work) == [5, 5]
    assert outline(inside(work)) == ["make", "later"]
