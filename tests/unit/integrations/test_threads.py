"""What is handed to a thread pool within a request belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from threading import Thread
from typing import Any

import pytest
import uvloop

import scope
from scope import _core
from scope.integrations import install
from scope.integrations.threads import carry
from scope.testing import Capture

from .shape import tree

language: ContextVar[str] = ContextVar("language", default="none")


def here() -> str:
    current = scope.current_request()
    return current.id if current else "nowhere"


def work() -> str:
    with scope.span("work"):
        return here()


@pytest.fixture(autouse=True)
def installed() -> Any:
    with install(["threads"]):
        yield


@pytest.fixture
def traced(capture: Capture) -> Any:
    headers = [(b"x-request-id", b"order-7")]
    request = _core.begin_request(
        {"type": "http", "method": "GET", "path": "/", "headers": headers}, b"x-request-id", True
    )
    assert request is not None
    before = request.activate()
    yield request
    request.deactivate(before)


def by_submit(pool: ThreadPoolExecutor) -> str:
    return pool.submit(work).result()


def by_map(pool: ThreadPoolExecutor) -> str:
    return next(pool.map(lambda _: work(), [1]))


def by_asyncio(pool: ThreadPoolExecutor) -> str:
    async def run() -> str:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    return asyncio.run(run())


def by_uvloop(pool: ThreadPoolExecutor) -> str:
    async def run() -> str:
        return await asyncio.get_running_loop().run_in_executor(None, work)

    return uvloop.run(run())


@pytest.mark.parametrize("hand_over", [by_submit, by_map, by_asyncio, by_uvloop])
def test_the_request_is_not_lost_in_a_thread_pool(
    capture: Capture, traced: Any, hand_over: Callable[[ThreadPoolExecutor], str]
) -> None:
    with ThreadPoolExecutor(1) as pool, scope.span("order"):
        assert hand_over(pool) == "order-7"
    assert tree(capture.trace()) == ["order", "  work"]


def test_the_thread_is_nobodys_afterwards(traced: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(here).result() == "order-7"
        before = traced.activate()
        traced.deactivate(None)
        assert pool.submit(here).result() == "nowhere"
        traced.activate()
        del before


def test_what_waits_in_the_queue_keeps_the_span_that_submitted_it(capture: Capture, traced: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        with scope.span("first"):
            first = pool.submit(work)
        with scope.span("second"):
            second = pool.submit(work)
        assert (first.result(), second.result()) == ("order-7", "order-7")
    assert tree(capture.trace()) == ["first", "  work", "second", "  work"]


def test_other_context_variables_stay_behind(traced: Any) -> None:
    """A decimal context, for one, would change how numbers are rounded there."""
    token = language.set("eo")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(language.get).result() == "none"
    language.reset(token)


def test_arguments_results_and_exceptions_pass_unchanged(traced: Any) -> None:
    def divide(a: int, /, *, fn: int) -> float:
        return a / fn

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(divide, 6, fn=3).result() == 2
        assert isinstance(pool.submit(divide, 6, fn=0).exception(), ZeroDivisionError)


def test_outside_a_request_nothing_is_wrapped() -> None:
    assert carry(work) is work


def test_a_bare_thread_works_for_the_request_whose_work_it_carries(capture: Capture, traced: Any) -> None:
    seen = []

    def run() -> None:
        seen.append(work())

    thread = Thread(target=carry(run))
    thread.start()
    thread.join()
    assert (seen, tree(capture.trace())) == (["order-7"], ["work"])
