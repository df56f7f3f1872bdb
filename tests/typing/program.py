"""A program of somebody who uses scope, as type checkers see it; nobody runs it.

``assert_type`` holds what has to be known; each ignored error has to be one, for needless ignores are errors too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from typing import Any, assert_type

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

import scope
from scope.integrations import Handle, install
from scope.model import RequestSummary, Span, Trace
from scope.testing import captured

# --- the middleware --------------------------------------------------------------------------------------------------

app = Starlette(middleware=[Middleware(scope.ScopeMiddleware)])
app.add_middleware(scope.ScopeMiddleware)


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})


wrapped: ASGIApp = scope.ScopeMiddleware(plain)
around: ASGIApp = scope.ScopeMiddleware(app)

# --- probes keep what they decorate ----------------------------------------------------------------------------------


@scope.probe
def price(basket: list[int], *, discount: float = 0.0) -> int:
    return round(sum(basket) * (1 - discount))


assert_type(price([1, 2], discount=0.1), int)
price("basket")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
price([1], 0.1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@scope.probe
async def load(number: int) -> str:
    return str(number)


@scope.probe
def rows(count: int) -> Iterator[bytes]:
    yield bytes(count)


@scope.probe
def echo() -> Generator[int, str, bool]:
    return (yield 1) == "done"


@scope.probe
async def events() -> AsyncIterator[str]:
    yield "event"


@scope.probe
async def talk() -> AsyncGenerator[int, str]:
    yield len((yield 1))


async def use() -> None:
    assert_type(await load(1), str)
    assert_type(rows(1), Iterator[bytes])
    assert_type(echo(), Generator[int, str, bool])
    assert_type(talk(), AsyncGenerator[int, str])
    async for event in events():
        assert_type(event, str)


callback: Callable[[int], Coroutine[Any, Any, str]] = load


class Shop:
    @scope.probe
    def order(self, number: int) -> str:
        return str(number)

    @scope.probe
    @staticmethod
    def tax(cents: int) -> float:
        return cents * 0.19

    @classmethod
    @scope.probe
    def open(cls, name: str) -> Shop:
        return cls()

    @property
    @scope.probe
    def size(self) -> int:
        return 1


assert_type(Shop().order(1), str)
assert_type(Shop.tax(100), float)
assert_type(Shop.open("corner"), Shop)
assert_type(Shop().size, int)
Shop().order("one")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Shop.tax("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
scope.probe(3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]

# --- spans, annotations, the current request -------------------------------------------------------------------------


def work() -> int:
    """An exception may leave a span: code after it is reached, and a return within it is enough."""
    with scope.span("price", items=3) as span:
        assert_type(span.span_id, str | None)
        span.annotate(total=1)
        return 1


async def work_async() -> str | None:
    async with scope.span("wait"):
        scope.mark("began", at=1.5)
    request = scope.current_request()
    if request is None:
        return None
    assert_type(request.id, str)
    assert_type(request.route, str | None)
    request.set_route("/users/{id}")
    request.annotate({"user": 1})
    return request.traceparent


scope.annotate(user_id=1, note=None)
scope.annotate("user_id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
scope.span()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
scope.span(name="price")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
str(scope.current_request().id)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]

with scope.suppressed():
    price([1])

thread = scope.Thread(target=price, args=([1],))
thread.start()
scope.configure(service="shop", capture={"max_value_bytes": 1024})

# --- the test kit and integrations -----------------------------------------------------------------------------------

with captured() as capture, install(["threads"]) as handle:
    assert_type(handle, Handle)
trace = capture.trace()
assert_type(trace, Trace)
assert_type(trace.request, RequestSummary)
assert_type([span for _, span in trace.spans()], list[Span])
