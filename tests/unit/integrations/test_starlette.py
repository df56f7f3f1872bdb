"""What a Starlette application does for a request is seen, and is seen as part of that request only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask, BackgroundTasks
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import scope
from scope import ScopeMiddleware
from scope.integrations import install
from scope.model import SpanKind
from scope.testing import Capture

from .asgi import get, request, websocket
from .shape import names, spans, tree


def app(*routes: Any) -> Starlette:
    return Starlette(routes=routes, middleware=[Middleware(ScopeMiddleware)])


def here() -> str:
    current = scope.current_request()
    return current.id if current else "nowhere"


@pytest.fixture(autouse=True)
def installed() -> Any:
    with install(["starlette"]):
        yield


# --- handlers -------------------------------------------------------------------------------------------------------


def price(request: Request) -> PlainTextResponse:
    with scope.span("add it up"):
        return PlainTextResponse(here())


async def price_async(request: Request) -> PlainTextResponse:
    return price(request)


class Prices(HTTPEndpoint):
    def get(self, request: Request) -> PlainTextResponse:
        return price(request)

    async def post(self, request: Request) -> PlainTextResponse:
        return price(request)


class PlainAsgi:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await price_async(Request(scope))
        await PlainTextResponse(here())(scope, receive, send)


@pytest.mark.parametrize(
    ("endpoint", "method", "name"),
    [
        (price_async, "GET", "price_async"),
        (price, "GET", "price"),
        (Prices, "GET", "Prices.get"),
        (Prices, "HEAD", "Prices.get"),
        (Prices, "POST", "Prices.post"),
        (PlainAsgi(), "GET", "PlainAsgi"),
    ],
)
def test_every_kind_of_handler_is_a_span_and_the_parent_of_what_it_does(
    capture: Capture, endpoint: Any, method: str, name: str
) -> None:
    """Synchronous ones run in a thread pool."""
    assert get(app(Route("/", endpoint)), "/", method=method, headers=[("x-request-id", "order-7")]).body == b"order-7"
    trace = capture.trace()
    assert (tree(trace), names(trace, SpanKind.HANDLER)) == ([name, "  add it up"], [name])


def test_the_handlers_span_ends_before_the_response_is_sent(capture: Capture) -> None:
    get(app(Route("/", price)), "/")
    trace = capture.trace()
    assert trace.request.first_byte_ns is not None
    handler = spans(trace)[0]
    assert handler.start_ns + (handler.duration_ns or 0) <= trace.request.first_byte_ns


def test_a_method_that_an_endpoint_lacks_runs_nothing(capture: Capture) -> None:
    assert get(app(Route("/", Prices)), "/", method="DISPATCH").status == 405
    assert names(capture.trace(), SpanKind.HANDLER) == []


class Where(HTTPEndpoint):
    def get(self, request: Request) -> PlainTextResponse:
        return where(request)


def where(request: Request) -> PlainTextResponse:
    return PlainTextResponse(here())


async def where_async(request: Request) -> PlainTextResponse:
    return where(request)


@pytest.mark.parametrize("endpoint", [where, where_async, Where])
def test_outside_a_traced_request_handlers_only_handle(capture: Capture, endpoint: Any) -> None:
    shop = app(Route("/", endpoint))
    get(shop, "/")
    stack: Any = shop.middleware_stack
    assert (get(stack.app, "/").body, len(capture.traces())) == (b"nowhere", 1)


# --- one request and the next ---------------------------------------------------------------------------------------


def test_no_id_leaks_into_the_next_request_of_a_connection(capture: Capture) -> None:
    """A server serves both in one task, and so in one context; the body comes in several pieces."""

    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{here()} {len(await request.body())}")

    async def connection() -> None:
        shop = app(Route("/", read, methods=["POST"]))
        for number in range(3):
            sent = await request(
                shop, "/", method="POST", headers=[("x-request-id", f"order-{number}")], body=[b"a", b"b", b"c"]
            )
            assert sent.body == f"order-{number} 3".encode()
            assert here() == "nowhere"
        assert (await request(shop, "/", method="POST")).body.split()[0] != b"order-2"

    asyncio.run(connection())
    assert [trace.request.id for trace in capture.traces()][:3] == ["order-0", "order-1", "order-2"]
    assert [len(names(trace)) for trace in capture.traces()] == [1, 1, 1, 1]


def test_requests_at_the_same_time_do_not_mix(capture: Capture) -> None:
    async def slow(request: Request) -> PlainTextResponse:
        await asyncio.sleep(0)
        scope.annotate(mine=here())
        return PlainTextResponse(await anyio.to_thread.run_sync(here))

    async def crowd() -> None:
        shop = app(Route("/", slow))
        sent = [request(shop, "/", headers=[("x-request-id", f"order-{number}")]) for number in range(20)]
        assert [answer.body for answer in await asyncio.gather(*sent)] == [f"order-{n}".encode() for n in range(20)]

    asyncio.run(crowd())
    for trace in capture.traces():
        assert spans(trace)[0].attributes == {"mine": trace.request.id}


def test_the_request_is_not_lost_in_threads_that_copy_the_context(capture: Capture) -> None:
    async def three(request: Request) -> PlainTextResponse:
        found = [await asyncio.to_thread(here), await anyio.to_thread.run_sync(here), here()]
        return PlainTextResponse(" ".join(found))

    sent = get(app(Route("/", three)), "/", headers=[("x-request-id", "order-7")])
    assert sent.body == b"order-7 order-7 order-7"


# --- background tasks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_request_is_not_lost_in_the_background_task_of_a_synchronous_route(capture: Capture, kind: str) -> None:
    seen = []

    def mail(to: str) -> None:
        with scope.span("connect"):
            seen.append((to, here()))

    async def mail_async(to: str) -> None:
        mail(to)

    def order(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok", background=BackgroundTask(mail if kind == "sync" else mail_async, "ann"))

    get(app(Route("/", order)), "/", headers=[("x-request-id", "order-7")])
    assert seen == [("ann", "order-7")]
    trace = capture.trace()
    assert tree(trace) == ["order", "mail" if kind == "sync" else "mail_async", "  connect"]
    assert len(names(trace, SpanKind.BACKGROUND)) == 1


def test_background_work_is_not_counted_in_the_response_time(capture: Capture) -> None:
    async def order(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok", background=BackgroundTask(time.sleep, 0.05))

    get(app(Route("/", order)), "/")
    request = capture.trace().request
    assert request.background_ns >= 50_000_000 > request.duration_ns


def test_each_of_several_background_tasks_is_work_of_its_own(capture: Capture) -> None:
    async def order(request: Request) -> PlainTextResponse:
        tasks = BackgroundTasks()
        tasks.add_task(here)
        tasks.add_task(price_async, request)
        return PlainTextResponse("ok", background=tasks)

    get(app(Route("/", order)), "/")
    assert tree(capture.trace()) == ["order", "here", "price_async", "  add it up"]


def test_an_exception_in_the_background_is_recorded_after_a_good_response(capture: Capture) -> None:
    def broken() -> None:
        raise OSError("mail server is down")

    async def order(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok", background=BackgroundTask(broken))

    sent = get(app(Route("/", order)), "/")
    assert (sent.status, str(sent.error)) == (200, "mail server is down")
    (task,) = spans(capture.trace(), SpanKind.BACKGROUND)
    assert (task.status, capture.trace().request.status) == ("error", 200)


def test_a_task_outside_any_request_is_only_run(capture: Capture) -> None:
    asyncio.run(BackgroundTask(here)())
    assert capture.traces() == []


# --- streaming ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_stream_ends_with_its_last_byte(capture: Capture, kind: str) -> None:
    def rows() -> Iterator[str]:
        for number in range(3):
            time.sleep(0.01)
            with scope.span(f"row {number}"):
                yield here()

    async def rows_async() -> AsyncIterator[str]:
        for row in rows():
            yield row

    async def export(request: Request) -> StreamingResponse:
        return StreamingResponse(rows() if kind == "sync" else rows_async())

    sent = get(app(Route("/", export)), "/", headers=[("x-request-id", "order-7")])
    assert sent.body == b"order-7" * 3
    trace = capture.trace()
    assert trace.request.duration_ns >= 30_000_000
    assert (trace.request.state, trace.request.bytes_out) == ("done", 21)
    assert names(trace) == ["export", "row 0", "row 1", "row 2"]


# --- websockets -----------------------------------------------------------------------------------------------------


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"{here()}: {text}")


class Echo(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        await websocket.send_text(f"{here()}: {data}")


@pytest.mark.parametrize(("endpoint", "name"), [(echo, "echo"), (Echo, "Echo")])
def test_a_websocket_is_a_connection_with_messages_and_none_is_consumed(
    capture: Capture, endpoint: Any, name: str
) -> None:
    """The first message is the one that a careless tracer takes for itself."""
    sent = asyncio.run(websocket(app(WebSocketRoute("/", endpoint)), "/", ["one", "two"]))
    trace = capture.trace()
    texts = [message["text"] for message in sent.messages if message["type"] == "websocket.send"]
    assert texts == [f"{trace.request.id}: one", f"{trace.request.id}: two"]
    assert (trace.request.kind, trace.request.method, trace.request.messages_in) == ("websocket", "", 2)
    assert names(trace, SpanKind.HANDLER) == [name]


def test_a_websocket_outside_a_traced_request_is_only_served(capture: Capture) -> None:
    shop = app(WebSocketRoute("/", Echo))
    asyncio.run(websocket(shop, "/", []))
    stack: Any = shop.middleware_stack
    asyncio.run(websocket(stack.app, "/", ["one"]))
    assert len(capture.traces()) == 1
