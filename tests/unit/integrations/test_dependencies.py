"""FastAPI's dependencies, from their setup to their teardown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException

import scope
from scope.integrations import install
from scope.model import SpanKind
from scope.testing import Capture

from .asgi import get, request
from .shape import names, spans, tree
from .shop import ask, here, price, price_async, shop


@pytest.fixture(autouse=True)
def installed() -> Any:
    with install(["fastapi"]):
        yield


def rows() -> Iterator[str]:
    yield here()


class Pagination:
    def __init__(self, page: int = 1) -> None:
        self.page = page


def database() -> Iterator[str]:
    with scope.span("connect"):
        pass
    yield here()
    with scope.span("commit"):
        pass


async def session(database: Annotated[str, Depends(database)]) -> AsyncIterator[str]:
    yield database + here()
    with scope.span("close"):
        pass


def user(session: Annotated[str, Depends(session)]) -> str:
    with scope.span("look up"):
        return session


async def allowed(
    user: Annotated[str, Depends(user)],
    session: Annotated[str, Depends(session)],
    page: Annotated[Pagination, Depends()],
) -> str:
    return f"{user} {session}"


def test_dependencies_are_spans_in_their_order_each_of_them_once(capture: Capture) -> None:
    """Sub-dependencies come first; what several need is solved once; what yields is torn down after the response."""

    async def handler(said: Annotated[str, Depends(allowed)]) -> str:
        return said

    app = shop()
    app.add_api_route("/", handler)
    assert ask(app).body == b'"order-7order-7 order-7order-7"'
    assert tree(capture.trace()) == [
        "database",
        "  connect",
        "session",
        "user",
        "  look up",
        "Pagination",
        "allowed",
        "handler",
        "session (teardown)",
        "  close",
        "database (teardown)",
        "  commit",
    ]
    assert len(spans(capture.trace(), SpanKind.DEPENDENCY)) == 7


def test_a_dependency_for_the_function_is_torn_down_before_the_response(capture: Capture) -> None:
    async def handler(said: Annotated[str, Depends(database, scope="function")]) -> str:
        return said

    app = shop()
    app.add_api_route("/", handler)
    ask(app)
    trace = capture.trace()
    torn_down = spans(trace)[-2]
    assert (torn_down.name, trace.request.first_byte_ns) == ("database (teardown)", trace.request.first_byte_ns)
    assert torn_down.start_ns < (trace.request.first_byte_ns or 0)


def test_a_dependency_that_raises_has_the_exception_and_keeps_the_handler_from_running(capture: Capture) -> None:
    async def nobody() -> None:
        raise HTTPException(401)

    app = shop()
    app.get("/", dependencies=[Depends(database), Depends(nobody)])(price)
    assert ask(app).status == 401
    trace = capture.trace()
    assert names(trace, SpanKind.HANDLER) == []
    assert [span.name for span in spans(trace) if span.status == "error"] == ["nobody"]


def test_a_dependency_sees_the_handlers_exception_in_its_teardown(capture: Capture) -> None:
    caught = []

    async def watch() -> AsyncIterator[None]:
        try:
            yield
        except ValueError as error:
            caught.append((error, here()))
            raise

    async def broken() -> None:
        raise ValueError("no such thing")

    app = shop()
    app.get("/", dependencies=[Depends(watch)])(broken)
    answer = ask(app)
    assert caught == [(answer.error, "order-7")]
    assert tree(capture.trace()) == ["watch", "broken", "watch (teardown)"]


def test_dependencies_of_the_application_and_of_routers_are_seen(capture: Capture) -> None:
    router = APIRouter(dependencies=[Depends(database)])
    router.add_api_route("/", price_async)
    app = shop(dependencies=[Depends(Pagination)])
    app.include_router(router, prefix="/api")
    ask(app, "/api/")
    assert names(capture.trace(), SpanKind.DEPENDENCY) == ["Pagination", "database", "database (teardown)"]


async def other() -> str:
    return "other"


def other_sync() -> str:
    return "other"


def other_generator() -> Iterator[str]:
    yield "other"


@pytest.mark.parametrize("override", [other, other_sync, other_generator])
def test_what_overrides_a_dependency_is_seen_in_its_place(capture: Capture, override: Any) -> None:
    async def handler(said: Annotated[str, Depends(user)]) -> str:
        return said

    app = shop()
    app.add_api_route("/", handler)
    app.dependency_overrides[user] = override
    assert ask(app).body == b'"other"'
    assert names(capture.trace())[0] == override.__name__


def test_limits_on_how_often_a_dependency_runs_hold(capture: Capture) -> None:
    """Whatever leads to it, it is entered as often as FastAPI allows."""
    running = most = 0

    async def scarce() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    async def crowd() -> None:
        app = shop()
        app.get("/", dependencies=[Depends(scarce, max_concurrency=2)])(price_async)
        await asyncio.gather(*(request(app, "/") for _ in range(6)))

    asyncio.run(crowd())
    assert most == 2
    assert [names(trace, SpanKind.DEPENDENCY) for trace in capture.traces()] == [["scarce"]] * 6


def test_outside_a_traced_request_dependencies_are_only_solved(capture: Capture) -> None:
    app = FastAPI()

    async def handler(
        one: Annotated[str, Depends(other)],
        two: Annotated[str, Depends(other_sync)],
        three: Annotated[str, Depends(other_generator)],
    ) -> str:
        return one + two + three

    app.add_api_route("/", handler)
    app.get("/rows")(rows)
    assert get(app, "/").body == b'"otherotherother"'
    assert capture.traces() == []
