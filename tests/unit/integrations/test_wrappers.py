"""A wrapped callable is called as before; only a traced request notices."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from typing import Any

import pytest
from starlette._utils import is_async_callable

import scope
from scope import _core
from scope.integrations._wrappers import (
    like_coroutine_function,
    original_of,
    wrap_async_generator,
    wrap_coroutine,
    wrap_function,
    wrap_generator,
)
from scope.model import SpanKind
from scope.testing import Capture

from .shape import spans, tree

HANDLER = SpanKind.HANDLER


@pytest.fixture
def traced(capture: Capture) -> Any:
    request = _core.begin_request({"type": "http", "path": "/", "headers": []}, b"x-request-id", True)
    assert request is not None
    before = request.activate()
    yield request
    request.deactivate(before)


def add(a: int, b: int) -> int:
    """Adds."""
    with scope.span("inside"):
        return a + b


async def add_async(a: int, b: int) -> int:
    return add(a, b)


def count(to: int) -> Iterator[int]:
    try:
        yield from range(to)
    finally:
        with scope.span("close"):
            pass


async def count_async(to: int) -> AsyncIterator[int]:
    try:
        for number in range(to):
            yield number
    finally:
        with scope.span("close"):
            pass


WRAPS: list[tuple[Callable[..., Any], Callable[..., Any], Callable[[Any], bool]]] = [
    (wrap_function, add, inspect.isfunction),
    (wrap_coroutine, add_async, inspect.iscoroutinefunction),
    (wrap_generator, count, inspect.isgeneratorfunction),
    (wrap_async_generator, count_async, inspect.isasyncgenfunction),
]


@pytest.mark.parametrize(("wrap", "call", "is_such"), WRAPS)
def test_a_wrapper_looks_like_what_it_wraps(wrap: Any, call: Any, is_such: Any) -> None:
    wrapper = wrap(call, "name", HANDLER)
    assert is_such(wrapper)
    assert inspect.signature(wrapper) == inspect.signature(call)
    assert (wrapper.__name__, wrapper.__doc__, original_of(wrapper)) == (call.__name__, call.__doc__, call)


def test_who_decorates_a_wrapper_makes_no_wrapper() -> None:
    wrapper = wrap_function(add, "add", HANDLER)

    @wraps(wrapper)
    def decorated(*args: int) -> Any:
        return wrapper(*args)

    assert original_of(decorated) is decorated
    assert original_of(add) is add


def test_functions_and_coroutines_are_spans_with_results(capture: Capture, traced: Any) -> None:
    assert wrap_function(add, "add", HANDLER)(1, b=2) == 3
    assert asyncio.run(wrap_coroutine(add_async, "add_async", HANDLER)(1, b=2)) == 3
    assert tree(capture.trace()) == ["add", "  inside", "add_async", "  inside"]


def test_generators_are_spans_with_all_items(capture: Capture, traced: Any) -> None:
    async def collect() -> list[int]:
        return [number async for number in wrap_async_generator(count_async, "count_async", HANDLER)(to=2)]

    assert list(wrap_generator(count, "count", HANDLER)(to=2)) == [0, 1]
    assert asyncio.run(collect()) == [0, 1]
    assert tree(capture.trace()) == ["count", "  close", "count_async", "  close"]
    assert {span.status for span in spans(capture.trace())} == {"ok"}


def test_a_generator_that_is_closed_early_closes_what_it_wraps(capture: Capture, traced: Any) -> None:
    async def one_only() -> None:
        items = wrap_async_generator(count_async, "count_async", HANDLER)(9)
        assert await anext(items) == 0
        await items.aclose()

    items: Any = wrap_generator(count, "count", HANDLER)(9)
    assert next(items) == 0
    items.close()
    asyncio.run(one_only())
    assert tree(capture.trace()) == ["count", "  close", "count_async", "  close"]
    assert [span.status for span in spans(capture.trace(), HANDLER)] == ["cancelled", "cancelled"]


def test_iterators_that_cannot_be_closed_are_wrapped_too(capture: Capture, traced: Any) -> None:
    class Numbers:
        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> int:
            return 7

    async def one_only() -> None:
        items = wrap_async_generator(Numbers, "Numbers", HANDLER)()
        assert await anext(items) == 7
        await items.aclose()

    items: Any = wrap_generator(lambda: [1, 2], "list", HANDLER)()
    assert next(items) == 1
    items.close()
    asyncio.run(one_only())
    assert tree(capture.trace()) == ["list", "Numbers"]


def test_an_exception_passes_unchanged_and_is_the_spans(capture: Capture, traced: Any) -> None:
    error = LookupError("no third")

    def break_off() -> Iterator[int]:
        yield 1
        raise error

    with pytest.raises(LookupError) as caught:
        list(wrap_generator(break_off, "break_off", HANDLER)())
    assert caught.value is error
    assert spans(capture.trace())[0].status == "error"


def test_outside_a_request_nothing_is_recorded(capture: Capture) -> None:
    async def run() -> list[Any]:
        rows = [number async for number in wrap_async_generator(plain_async, "rows", HANDLER)()]
        return [*rows, await wrap_coroutine(plain_coroutine, "coroutine", HANDLER)()]

    assert asyncio.run(run()) == [1, 2]
    assert [*wrap_generator(plain, "rows", HANDLER)(), wrap_function(len, "len", HANDLER)("ab")] == [1, 2]
    assert capture.traces() == []


def plain() -> Iterator[int]:
    yield 1


async def plain_async() -> AsyncIterator[int]:
    yield 1


async def plain_coroutine() -> int:
    return 2


def test_a_function_that_passes_a_coroutine_on_counts_as_a_coroutine_function() -> None:
    def passes_on() -> Any:
        return plain_coroutine()

    assert is_async_callable(like_coroutine_function(passes_on))
