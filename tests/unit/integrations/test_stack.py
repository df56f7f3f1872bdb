"""The stack of an application: where its request begins and ends, and its middlewares in their order."""

from __future__ import annotations

import asyncio
import gc
import weakref
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles

import scope
from scope import ScopeMiddleware
from scope.integrations import install
from scope.model import SpanKind
from scope.testing import Capture

from .asgi import get, websocket
from .asgi import request as send_request
from .shape import names, spans, tree

TRACED = Middleware(ScopeMiddleware)


class Pass:
    """A middleware as Starlette's are."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Other(Pass):
    pass


@dataclass(frozen=True)
class Frozen:
    app: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Hiding:
    """Keeps the next application where nobody looks for it."""

    def __init__(self, app: Any) -> None:
        self.next_one = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.next_one(scope, receive, send)


class Dispatching(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Any:
        with scope.span("before"):
            pass
        return await call_next(request)


def timing(app: Any) -> Any:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return inner


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def fail(request: Request) -> PlainTextResponse:
    raise ValueError("no such thing")


def starlette(*middleware: Middleware, **options: Any) -> Starlette:
    return Starlette(routes=[Route("/", hello), Route("/fail", fail)], middleware=[*middleware], **options)


@pytest.fixture(autouse=True)
def installed(request: pytest.FixtureRequest) -> Any:
    with install(getattr(request, "param", ["fastapi"])):
        yield


# --- the 500 response -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_500_response_has_the_correlation_id(capture: Capture, position: int) -> None:
    middleware = [Middleware(Pass), Middleware(GZipMiddleware)]
    middleware.insert(position, TRACED)
    answer = get(starlette(*middleware), "/fail", headers=[("x-request-id", "order-7")])
    assert (answer.status, answer.header("x-request-id")) == (500, "order-7")
    assert capture.trace().request.id == "order-7"


def test_the_500_response_has_the_correlation_id_in_debug_mode(capture: Capture) -> None:
    answer = get(starlette(TRACED, debug=True), "/fail", headers=[("x-request-id", "order-7")])
    assert (answer.status, answer.header("x-request-id")) == (500, "order-7")


@pytest.mark.parametrize("key", [500, Exception])
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_the_500_handler_sees_the_current_request(capture: Capture, key: Any, kind: str) -> None:
    def sorry(request: Request, error: Exception) -> PlainTextResponse:
        current = scope.current_request()
        return PlainTextResponse(f"tell us {current.id if current else None}", 500)

    async def sorry_async(request: Request, error: Exception) -> PlainTextResponse:
        return sorry(request, error)

    handlers: Any = {key: sorry if kind == "sync" else sorry_async}
    answer = get(starlette(TRACED, exception_handlers=handlers), "/fail", headers=[("x-request-id", "order-7")])
    assert answer.body == b"tell us order-7"
    assert names(capture.trace(), SpanKind.EXCEPTION_HANDLER) == ["sorry" if kind == "sync" else "sorry_async"]


def test_the_exception_reaches_the_server_and_is_recorded_where_it_was_raised(capture: Capture) -> None:
    answer = get(starlette(TRACED, Middleware(Pass), Middleware(Other)), "/fail")
    assert isinstance(answer.error, ValueError)
    trace = capture.trace()
    assert (trace.request.outcome, trace.request.status) == ("exception", 500)
    assert [span.name for span in spans(trace) if span.exception is not None] == ["fail"]


@pytest.mark.parametrize("stack", [(TRACED,), (Middleware(Frozen), TRACED)], ids=["first", "behind a frozen one"])
def test_a_request_is_one_request_and_the_lifespan_another(capture: Capture, stack: tuple[Middleware, ...]) -> None:
    app = starlette(*stack)

    async def lifespan() -> None:
        incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive() -> Any:
            return incoming.pop(0)

        async def send(message: Any) -> None:
            pass

        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    async def run() -> None:
        await lifespan()
        await send_request(app, "/")
        await lifespan()

    asyncio.run(run())
    assert [trace.request.kind for trace in capture.traces()] == ["lifespan", "http", "lifespan"]


# --- middlewares ----------------------------------------------------------------------------------------------------


def test_middlewares_are_nested_in_their_order(capture: Capture) -> None:
    stack = [Middleware(Pass), TRACED, Middleware(CORSMiddleware), Middleware(Other)]
    get(starlette(*stack), "/")
    assert tree(capture.trace()) == ["Pass", "  CORSMiddleware", "    Other", "      hello"]
    assert len(names(capture.trace(), SpanKind.MIDDLEWARE)) == 3


def test_fastapi_shows_only_the_middlewares_that_were_added(capture: Capture) -> None:
    app = FastAPI()
    app.add_middleware(Other)
    app.add_middleware(ScopeMiddleware)

    @app.middleware("http")
    async def stopwatch(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    app.add_api_route("/", lambda: "hello")
    get(app, "/")
    assert tree(capture.trace()) == ["stopwatch", "  Other", "    <lambda>"]


def test_the_request_is_not_lost_across_base_http_middleware(capture: Capture) -> None:
    """The rest of the application runs in a task of its own there."""
    seen = []

    async def look(request: Request) -> PlainTextResponse:
        current = scope.current_request()
        seen.append(current.id if current else None)
        scope.annotate(seen=True)
        return PlainTextResponse("hello")

    app = Starlette(routes=[Route("/", look)], middleware=[TRACED, Middleware(Dispatching)])
    answer = get(app, "/", headers=[("x-request-id", "order-7")])
    assert (seen, answer.header("x-request-id")) == (["order-7"], "order-7")
    assert tree(capture.trace()) == ["Dispatching", "  before", "  look"]
    assert spans(capture.trace(), SpanKind.HANDLER)[0].attributes == {"seen": True}


def test_a_middleware_made_by_a_function_is_called_as_the_function(capture: Capture) -> None:
    get(starlette(TRACED, Middleware(timing), Middleware(Pass)), "/")
    assert tree(capture.trace()) == ["timing", "  Pass", "    hello"]


@pytest.mark.parametrize("inner", [Frozen, Hiding])
def test_a_middleware_that_lets_nobody_in_costs_spans_but_no_request(capture: Capture, inner: Any) -> None:
    answer = get(starlette(Middleware(inner), TRACED, Middleware(Pass)), "/")
    assert (answer.status, answer.header("x-request-id")) == (200, capture.trace().request.id)
    assert names(capture.trace(), SpanKind.HANDLER) == ["hello"]


def test_a_middleware_still_finds_in_its_app_what_was_there(capture: Capture) -> None:
    found = []

    class Curious(Pass):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            found.append((isinstance(self.app, Named), self.app.name))
            await self.app(scope, receive, send)

    class Named(Pass):
        name = "what it was called"

    get(starlette(TRACED, Middleware(Curious), Middleware(Named)), "/")
    assert found == [(True, "what it was called")]
    assert names(capture.trace(), SpanKind.MIDDLEWARE) == ["Curious", "Named"]


def test_middlewares_of_routers_mounts_and_routes_are_seen_too(capture: Capture, tmp_path: Any) -> None:
    route = Route("/x", hello, middleware=[Middleware(Pass)])
    mount = Mount("/m", app=Router([route], middleware=[Middleware(Other)]), middleware=[Middleware(timing)])
    files = Mount("/f", app=StaticFiles(directory=tmp_path), middleware=[Middleware(Pass)])
    (tmp_path / "file").write_text("text")
    app = Starlette(routes=[mount, files], middleware=[TRACED])
    assert [get(app, path).status for path in ("/m/x", "/f/file")] == [200, 200]
    first, second = capture.traces()
    assert tree(first) == ["timing", "  Other", "    Pass", "      hello"]
    assert tree(second) == ["Pass", "  StaticFiles"]
    assert names(second, SpanKind.HANDLER) == ["StaticFiles"]


def test_middlewares_of_a_websocket_are_seen_and_of_the_lifespan_are_not(capture: Capture) -> None:
    asyncio.run(websocket(starlette(TRACED, Middleware(Pass)), "/nowhere", []))
    assert names(capture.trace(), SpanKind.MIDDLEWARE) == ["Pass"]


# --- applications that were there before ----------------------------------------------------------------------------


@pytest.mark.parametrize("installed", [()], indirect=True)
def test_an_application_that_served_before_is_traced_like_any_other(capture: Capture) -> None:
    app = starlette(TRACED, Middleware(Pass))
    get(app, "/")
    with install(["starlette"]):
        get(app, "/")
    assert [tree(trace) for trace in capture.traces()] == [[], ["Pass", "  hello"]]


def test_what_wraps_the_whole_application_opens_the_request(capture: Capture) -> None:
    answer = get(ScopeMiddleware(starlette(Middleware(Pass))), "/fail")
    assert (answer.status, answer.header("x-request-id")) == (500, capture.trace().request.id)
    assert tree(capture.trace()) == ["Pass", "  fail"]


def test_an_application_without_us_is_left_alone(capture: Capture) -> None:
    app = starlette(Middleware(Pass))
    get(app, "/")
    assert capture.traces() == []
    stack: Any = app.middleware_stack
    assert type(stack.app) is Pass


@pytest.mark.parametrize("installed", [()], indirect=True)
def test_undoing_leaves_the_application_as_it_was(capture: Capture) -> None:
    async def sorry(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("sorry", 500)

    app = starlette(Middleware(Pass), TRACED, Middleware(timing), Middleware(Other), exception_handlers={500: sorry})
    before = anatomy(app)
    with install(["starlette"]):
        get(app, "/")
        assert anatomy(app) != before
    assert anatomy(app) == before


def anatomy(app: Starlette) -> list[Any]:
    """Everything that an integration could have changed in ``app``."""
    app.middleware_stack = app.middleware_stack or app.build_middleware_stack()
    found: list[Any] = []
    layer: Any = app.middleware_stack
    while layer is not None:
        cell = getattr(layer, "__closure__", None)
        found.append((layer, dict(getattr(layer, "__dict__", {}))))
        layer = cell[0].cell_contents if cell else getattr(layer, "app", None)
        if isinstance(layer, Router):
            break
    for route in app.routes:
        closure = vars(route)["app"].__closure__
        found.append((dict(vars(route)), [cell.cell_contents for cell in closure or ()]))
    return found


def test_a_traced_application_is_collected_like_any_other(capture: Capture) -> None:
    app = starlette(TRACED, Middleware(Pass), Middleware(timing), Middleware(Other))
    get(app, "/")
    gone = weakref.ref(app.router)
    del app
    gc.collect()
    assert gone() is None
