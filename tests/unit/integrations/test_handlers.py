"""An exception that a handler answered is on record, with the handler's span."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import scope
from scope import ScopeMiddleware
from scope.integrations import install
from scope.model import Span, SpanKind
from scope.testing import Capture

from .asgi import get
from .shape import spans, tree


class OutOfStock(Exception):
    pass


async def buy(request: Request) -> PlainTextResponse:
    raise OutOfStock("no more of it")


async def teapot(request: Request) -> PlainTextResponse:
    raise HTTPException(418, "short and stout")


def sorry(request: Request, error: Exception) -> PlainTextResponse:
    with scope.span("apologise"):
        return PlainTextResponse(f"sorry: {error}", 409)


async def sorry_async(request: Request, error: Exception) -> PlainTextResponse:
    return sorry(request, error)


def shop(handlers: Any) -> Starlette:
    routes = [Route("/buy", buy), Route("/teapot", teapot)]
    return Starlette(routes=routes, middleware=[Middleware(ScopeMiddleware)], exception_handlers=handlers)


@pytest.fixture(autouse=True)
def installed() -> Any:
    with install(["fastapi"]):
        yield


def handlers_of(capture: Capture) -> list[Span]:
    return spans(capture.trace(), SpanKind.EXCEPTION_HANDLER)


@pytest.mark.parametrize("handler", [sorry, sorry_async])
def test_a_handled_exception_is_recorded_and_the_request_ends_well(capture: Capture, handler: Any) -> None:
    answer = get(shop({OutOfStock: handler}), "/buy")
    assert (answer.status, answer.body, answer.error) == (409, b"sorry: no more of it", None)
    request = capture.trace().request
    assert (request.outcome, request.status, request.errors) == ("ok", 409, 1)
    assert tree(capture.trace()) == ["buy", handler.__name__, "  apologise"]


def test_the_span_that_raised_has_the_exception_and_its_handler_is_well(capture: Capture) -> None:
    get(shop({OutOfStock: sorry}), "/buy")
    raised, handled = spans(capture.trace())[:2]
    assert raised.exception is not None
    assert (raised.exception.type, raised.exception.message) == (f"{__name__}.OutOfStock", "no more of it")
    assert (handled.exception, handled.status) == (None, "ok")


def test_an_exception_that_no_span_saw_is_recorded_with_its_handler(capture: Capture) -> None:
    app = FastAPI()
    app.add_middleware(ScopeMiddleware)
    app.add_api_route("/items/{id}", item)
    assert get(app, "/items/many").status == 422
    (handled,) = handlers_of(capture)
    assert handled.exception is not None
    assert (handled.exception.type, handled.exception.escaped) == ("fastapi.exceptions.RequestValidationError", False)
    assert (handled.status, capture.trace().request.errors) == ("ok", 1)


def item(id: int) -> int:
    return id


def test_a_handler_for_a_status_is_seen(capture: Capture) -> None:
    assert get(shop({418: sorry}), "/teapot").status == 409
    assert [span.name for span in handlers_of(capture)] == ["sorry"]


def test_an_unknown_path_is_no_error(capture: Capture) -> None:
    """By an exception the framework only says 404."""
    assert get(shop({}), "/nowhere").status == 404
    assert capture.trace().request.errors == 0


@pytest.mark.parametrize(("status", "errors"), [(404, 0), (503, 1)])
def test_an_answer_by_exception_is_an_error_where_its_status_says_so(
    capture: Capture, status: int, errors: int
) -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        raise HTTPException(status)

    app = shop({})
    app.router.default = refuse
    assert get(app, "/nowhere").status == status
    assert capture.trace().request.errors == errors


def test_what_the_caller_sent_is_not_in_the_record_of_its_being_invalid(capture: Capture) -> None:
    """The error that FastAPI raises holds the whole body, to show it to the caller."""
    app = FastAPI()
    app.add_middleware(ScopeMiddleware)
    app.add_api_route("/", item, methods=["POST"])
    assert b"hunter2" in get(app, "/", method="POST", query=b"id=hunter2").body
    (handled,) = handlers_of(capture)
    assert handled.exception is not None
    assert "hunter2" not in handled.exception.message
    assert "('query', 'id')" in handled.exception.message


def test_an_exception_in_the_handler_is_recorded_too(capture: Capture) -> None:
    def worse(request: Request, error: Exception) -> PlainTextResponse:
        raise LookupError("no words") from error

    answer = get(shop({OutOfStock: worse}), "/buy")
    assert isinstance(answer.error, LookupError)
    (handled,) = handlers_of(capture)
    assert handled.exception is not None
    assert (handled.exception.type, handled.status) == ("LookupError", "error")


@pytest.mark.parametrize("handler", [sorry, sorry_async])
def test_outside_a_traced_request_a_handler_only_handles(capture: Capture, handler: Any) -> None:
    app = shop({OutOfStock: handler})
    get(app, "/buy")
    stack: Any = app.middleware_stack
    assert get(stack.app, "/buy").status == 409
    assert [trace.request.kind for trace in capture.traces()] == ["http", "task"], "the task is the handler's own span"
