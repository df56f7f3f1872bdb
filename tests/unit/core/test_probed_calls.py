"""A probed function behaves as the function does, inside a request and outside any."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from scope import probe
from scope.model import SpanKind
from tests.unit.core.probed import add, each_way, later

from .inside import inside, named, outline

pytestmark = pytest.mark.usefixtures("no_integrations")


def test_arguments_of_all_kinds_get_through() -> None:
    assert each_way(lambda: add(1)) == [3, 3]
    assert each_way(lambda: add(1, 1, 1, 1, scale=2)) == [8, 8]
    assert each_way(lambda: add(*[1, 2], scale=3)) == [9, 9]
    assert each_way(lambda: later(4)) == [4, 4]
    assert each_way(lambda: later(value=4)) == [4, 4]


def test_wrong_arguments_fail_as_they_do_without_a_probe() -> None:
    def call() -> str:
        with pytest.raises(TypeError) as info:
            add()  # type: ignore[call-arg]
        return str(info.value)

    assert each_way(call) == ["add() missing 1 required positional argument: 'left'"] * 2


def test_a_call_outside_any_request_records_nothing_and_the_same_call_inside_does() -> None:
    def work() -> None:
        add(1)

    work()
    trace = inside(work)
    found = named(trace, "add")
    assert (found.kind, found.status, found.line) == (
        SpanKind.FUNCTION,
        "ok",
        inspect.unwrap(add).__code__.co_firstlineno,
    )
    assert found.file.endswith("probed.py")


def test_recursion_nests() -> None:
    @probe
    def down(depth: int) -> None:
        if depth:
            down(depth - 1)

    assert outline(inside(lambda: down(3))) == ["down", "  down", "    down", "      down"]


def test_a_coroutine_that_is_never_awaited_records_nothing() -> None:
    def work() -> None:
        later(1).close()

    assert outline(inside(work)) == []


def test_a_coroutine_closed_under_way_is_cancelled() -> None:
    def work() -> None:
        waiting: Any = later(1)
        waiting.send(None)
        waiting.close()

    assert named(inside(work), "later").status == "cancelled"


def test_an_awaitable_thrown_into_gets_it_at_its_await() -> None:
    seen: list[str] = []

    @probe
    async def catching() -> str:
        try:
            await asyncio.sleep(1)
        except KeyError as error:
            seen.append(repr(error))
        return "went on"

    def work() -> None:
        waiting: Any = catching()
        waiting.send(None)
        with pytest.raises(StopIteration) as info:
            waiting.throw(KeyError("x"))
        seen.append(info.value.value)

    assert named(inside(work), "catching").status == "ok"
    assert seen == ["KeyError('x')", "went on"]
