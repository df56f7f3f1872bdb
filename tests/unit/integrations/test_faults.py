"""Whatever fails in us, the request passes untouched, and the log says what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Mount, Route

from scope import ScopeMiddleware
from scope.integrations import _handlers, _routes, _stack, fastapi, install
from scope.integrations import starlette as starlette_module
from scope.testing import Capture

from .asgi import get
from .shape import names


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def starlette() -> Any:
    return Starlette(
        routes=[Route("/x", hello), Mount("/m", routes=[Route("/x", hello)])], middleware=[Middleware(ScopeMiddleware)]
    )


def fastapi_app() -> Any:
    app = FastAPI()
    app.add_middleware(ScopeMiddleware)
    app.add_api_route("/x", lambda: "hello")
    return app


@pytest.mark.parametrize(
    ("make", "module", "function", "path", "said"),
    [
        (starlette, _stack, "_trace_stack", "/x", "middlewares"),
        (starlette, _routes, "_trace_chain", "/x", "handler of Route"),
        (starlette, _routes, "_trace_chain", "/m/x", "mounted at Mount"),
        (fastapi_app, fastapi, "_traced", "/x", "handler of /x"),
    ],
)
def test_a_fault_costs_spans_and_no_request(
    capture: Capture,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    make: Any,
    module: Any,
    function: str,
    path: str,
    said: str,
) -> None:
    def fail(*args: Any, **options: Any) -> Any:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(module, function, fail)
    app = make()
    with install(["fastapi"]):
        answers = [get(app, path) for _ in range(2)]
    assert [(answer.status, answer.error) for answer in answers] == [(200, None)] * 2
    assert [trace.request.route for trace in capture.traces()] == [path, path]
    assert sum(said in record.message for record in caplog.records) == 1
    assert {record.exc_info[0] for record in caplog.records if record.exc_info} == {ZeroDivisionError}


def test_a_route_that_cannot_be_named_is_served_as_ever(capture: Capture, caplog: pytest.LogCaptureFixture) -> None:
    class Bare(Route):
        """Made of what serving takes, and of nothing else."""

        def __init__(self, path: str) -> None:
            self.path, self.methods, self.app = path, None, files

        def matches(self, scope: Any) -> Any:
            return Match.FULL, {}

    app = Starlette(routes=[Bare("/x")], middleware=[Middleware(ScopeMiddleware)])
    with install(["starlette"]):
        assert [get(app, "/x").status for _ in range(2)] == [200, 200]
    assert caplog.text.count("is traced without its name") == 1


async def files(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("file")(scope, receive, send)


@pytest.mark.parametrize(
    ("path", "module", "function"),
    [
        ("/m/x", starlette_module, "learn_mount"),
        ("/x", fastapi, "_trace_endpoint"),
        ("/included", fastapi, "_trace_endpoint"),
        ("/site/index.html", fastapi, "get_route_path"),
    ],
)
def test_a_fault_on_the_way_to_the_handler_costs_no_request(
    capture: Capture,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    path: str,
    module: Any,
    function: str,
) -> None:
    def fail(*args: Any) -> Any:
        raise ZeroDivisionError("ours")

    (tmp_path / "index.html").write_text("<p>")
    router = APIRouter()
    router.add_api_route("/included", lambda: "hello")
    app = fastapi_app()
    app.include_router(router)
    app.mount("/m", Starlette(routes=[Route("/x", hello)]))
    app.frontend("/site", directory=tmp_path)
    monkeypatch.setattr(module, function, fail)
    with install(["fastapi"]):
        assert [get(app, path).status for _ in range(2)] == [200, 200]
    assert len(caplog.records) == 1
    assert len(capture.traces()) == 2


def test_a_middleware_that_cannot_be_looked_into_is_run_as_ever(
    capture: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    class Sealed:
        def __init__(self, app: Any) -> None:
            self._next = app

        @property
        def app(self) -> Any:
            raise ZeroDivisionError("not yours")

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self._next(scope, receive, send)

    stack = [Middleware(Sealed), Middleware(ScopeMiddleware)]
    with install(["starlette"]):
        answer = get(Starlette(routes=[Route("/x", hello)], middleware=stack), "/x")
    assert (answer.status, answer.header("x-request-id")) == (200, capture.trace().request.id)
    assert caplog.text.count("from where ScopeMiddleware stands") == 1


def test_a_fault_in_recording_an_exception_keeps_its_handler_from_nothing(
    capture: Capture, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(error: Exception) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(_handlers, "record_error", fail)
    app = Starlette(
        routes=[Route("/", broken)],
        middleware=[Middleware(ScopeMiddleware)],
        exception_handlers={LookupError: lambda request, error: PlainTextResponse("sorry")},
    )
    with install(["starlette"]):
        assert get(app, "/").body == b"sorry"
    assert "a handled KeyError is not on record" in caplog.text


async def broken(request: Request) -> PlainTextResponse:
    raise KeyError("id")


def test_a_handler_that_two_routes_share_is_one_span(capture: Capture) -> None:
    first, second = Route("/x", hello), Route("/y", hello)
    second.app = first.app
    app = Starlette(routes=[first, second], middleware=[Middleware(ScopeMiddleware)])
    with install(["starlette"]):
        for path in ("/x", "/y"):
            get(app, path)
    assert [names(trace) for trace in capture.traces()] == [["hello"], ["hello"]]
