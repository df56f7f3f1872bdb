"""What FastAPI does for a request: handlers of every kind, and dependencies from their setup to their teardown."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.sse import EventSourceResponse
from opentelemetry.trace import NoOpTracerProvider
from starlette.requests import Request
from starlette.websockets import WebSocket

import scope
from scope.integrations import install
from scope.model import SpanKind
from scope.testing import Capture

from .asgi import request, websocket
from .shape import names, spans, tree
from .shop import ask, here, price, price_async, shop


@pytest.fixture(autouse=True)
def installed(request: pytest.FixtureRequest) -> Any:
    with install(getattr(request, "param", ["fastapi"])):
        yield


# --- handlers -------------------------------------------------------------------------------------------------------


class Price:
    async def __call__(self) -> str:
        return price()


@pytest.mark.parametrize(("endpoint", "name"), [(price, "price"), (price_async, "price_async"), (Price(), "Price")])
@pytest.mark.parametrize("included", [False, True])
def test_every_kind_of_handler_is_a_span_and_the_parent_of_what_it_does(
    capture: Capture, endpoint: Any, name: str, included: bool
) -> None:
    """Synchronous ones run in a thread pool; those of included routers are called by another way."""
    router = APIRouter()
    router.add_api_route("/", endpoint)
    app = shop()
    if included:
        app.include_router(router, prefix="/api")
    else:
        app.add_api_route("/api/", endpoint)
    assert ask(app, "/api/").body == b'"order-7"'
    trace = capture.trace()
    assert (tree(trace), names(trace, SpanKind.HANDLER)) == ([name, "  add it up"], [name])


def test_a_handler_that_raises_has_the_exception(capture: Capture) -> None:
    async def sold_out() -> None:
        raise HTTPException(409, "no more of it")

    app = shop()
    app.add_api_route("/", sold_out)
    assert ask(app).status == 409
    handler, answered = spans(capture.trace())
    assert handler.exception is not None
    assert (handler.exception.type, answered.name) == ("fastapi.exceptions.HTTPException", "http_exception_handler")
    assert capture.trace().request.errors == 1


def test_the_request_is_not_lost_in_the_background_task_of_a_synchronous_route(capture: Capture) -> None:
    seen = []

    def order(tasks: BackgroundTasks) -> None:
        tasks.add_task(lambda: seen.append(here()))

    app = shop()
    app.add_api_route("/", order)
    ask(app)
    assert seen == ["order-7"]
    assert names(capture.trace(), SpanKind.BACKGROUND) == ["<lambda>"]


async def other() -> str:
    return "other"


def test_a_websocket_is_handled_within_its_dependencies(capture: Capture) -> None:
    async def chat(websocket: WebSocket, said: Annotated[str, Depends(other)]) -> None:
        await websocket.accept()
        await websocket.send_text(f"{here()} {said} {await websocket.receive_text()}")

    app = shop()
    app.add_api_websocket_route("/", chat)
    sent = asyncio.run(websocket(app, "/", ["hello"]))
    trace = capture.trace()
    assert sent.messages[-1]["text"] == f"{trace.request.id} other hello"
    assert (trace.request.kind, tree(trace)) == ("websocket", ["other", "chat"])


def test_fastapis_own_tracing_makes_no_double(capture: Capture) -> None:
    app = shop(telemetry={"tracer_provider": NoOpTracerProvider(), "metrics": False, "logs": False})
    app.add_api_route("/", price_async)
    ask(app)
    assert tree(capture.trace()) == ["price_async", "  add it up"]


@pytest.mark.parametrize("installed", [()], indirect=True)
def test_undoing_leaves_the_routes_as_they_were(capture: Capture) -> None:
    router = APIRouter()
    router.add_api_route("/", price)
    app = shop()
    app.include_router(router, prefix="/api")
    app.add_api_route("/", price)
    included: Any
    direct: Any
    included, direct = app.routes[-2:]
    (served,) = included.effective_candidates()
    with install(["fastapi"]):
        assert [ask(app, path).status for path in ("/", "/api/")] == [200, 200]
        assert price not in {direct.dependant.call, served.dependant.call}
    assert (direct.dependant.call, served.dependant.call) == (price, price)
    assert [name for each in (direct, served) for name in vars(each) if name.startswith("_scope")] == []


# --- generators -----------------------------------------------------------------------------------------------------


def rows() -> Iterator[str]:
    for number in range(3):
        with scope.span(f"row {number}"):
            text = here()
        yield text


async def rows_async() -> AsyncIterator[str]:
    for row in rows():
        yield row


@pytest.mark.parametrize("endpoint", [rows, rows_async])
@pytest.mark.parametrize("response", [None, StreamingResponse, EventSourceResponse])
def test_a_streaming_handler_lasts_to_its_last_row(capture: Capture, endpoint: Any, response: Any) -> None:
    """As lines of JSON, as it is, and as server-sent events."""
    app = shop()
    app.get("/", **({"response_class": response} if response else {}))(endpoint)
    assert ask(app).body.count(b"order-7") == 3
    trace = capture.trace()
    assert tree(trace) == [endpoint.__name__, "  row 0", "  row 1", "  row 2"]
    handler = spans(trace)[0]
    assert (handler.kind, handler.status, trace.request.state) == (SpanKind.HANDLER, "ok", "done")
    assert handler.start_ns > trace.request.start_ns


def test_a_streaming_handler_is_not_current_between_its_rows(capture: Capture) -> None:
    """What sends a row is not the handler's doing."""

    class Sender:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope_: Any, receive: Any, send: Any) -> None:
            async def observed(message: Any) -> None:
                if message.get("body"):
                    with scope.span("send"):
                        await send(message)
                else:
                    await send(message)

            await self.app(scope_, receive, observed)

    app = shop()
    app.add_middleware(Sender)
    app.get("/", response_class=StreamingResponse)(rows_async)
    ask(app)
    assert tree(capture.trace())[:3] == ["Sender", "  rows_async", "    row 0"]
    assert tree(capture.trace()).count("  send") == 3


@pytest.mark.parametrize("endpoint", [rows, rows_async])
def test_a_stream_that_breaks_has_the_exception(capture: Capture, endpoint: Any) -> None:
    class Broken(StreamingResponse):
        async def stream_response(self, send: Any) -> None:
            async for _ in self.body_iterator:
                raise OSError("the cable")

    async def broken() -> AsyncIterator[str]:
        yield "one"
        raise LookupError("no second row")

    app = shop()
    app.get("/", response_class=StreamingResponse)(broken)
    assert isinstance(ask(app).error, LookupError)
    (handler,) = spans(capture.trace(), SpanKind.HANDLER)
    assert (handler.status, capture.trace().request.outcome) == ("error", "exception")


@pytest.mark.parametrize("endpoint", [rows, rows_async])
def test_a_generator_that_is_closed_elsewhere_ends_quietly(
    capture: Capture, endpoint: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The client has gone: the generator is left half done, and the garbage collector closes it in another context."""

    class Gone(StreamingResponse):
        async def stream_response(self, send: Any) -> None:
            async for _ in self.body_iterator:
                break

    async def half() -> None:
        app = shop()
        app.get("/", response_class=Gone)(endpoint)
        await request(app, "/")
        del app
        gc.collect()
        await asyncio.sleep(0.01)

    asyncio.run(half())
    gc.collect()
    trace = capture.trace()
    assert (tree(trace), caplog.records) == ([endpoint.__name__, "  row 0"], [])
    assert spans(trace)[0].status in {"cancelled", "open"}


def test_fastapi_still_tells_where_an_endpoint_is(capture: Capture) -> None:
    """In the errors that it raises for a request or a response that is not valid."""

    async def number(id: int) -> int:
        return id

    app = shop(exception_handlers={RequestValidationError: tell})
    app.add_api_route("/{id}", number)
    said = ask(app, "/many").body.decode()
    assert f'File "{__file__}", line {number.__code__.co_firstlineno}, in number' in said


async def tell(request: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse(str(error))
