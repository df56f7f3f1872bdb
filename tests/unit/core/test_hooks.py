"""Hooks in place of a framework's methods: what they ask, what they tell, and that they cost nobody a request."""

from __future__ import annotations

import asyncio
import inspect
import types
from typing import Any

import pytest

from scope import current_request
from scope._core import MOUNTED_KEY, REQUEST_KEY, RouteHook, StackHook, Tracer
from scope.testing import captured

from .inside import http, receive, send

TRACER = Tracer(b"x-request-id", True)


class Route:
    path_format: Any = "/items/{id}"
    learned: Any = False

    async def handle(self, scope: Any, receive: Any, send: Any) -> Any:
        return "handled"


def hooked(learn: Any = print, report: Any = print, within: Any = None) -> type[Route]:
    class Hooked(Route):
        handle = RouteHook(Route.handle, "learned", learn, report, within)  # type: ignore[assignment]

    return Hooked


def serve(app: Any, scope: dict[str, Any] | None = None) -> Any:
    async def run() -> Any:
        return await TRACER(app, scope or http(), receive, send)

    return asyncio.run(run())


def test_a_route_names_its_request_after_what_it_is_mounted_in() -> None:
    route = hooked(lambda _: None)()
    with captured() as capture:
        assert serve(route.handle) == "handled"
        assert serve(route.handle, {**http(), MOUNTED_KEY: "/shop"}) == "handled"
        assert asyncio.run(route.handle(http(), receive, send)) == "handled"
    assert [trace.request.route for trace in capture.traces()] == ["/items/{id}", "/shop/items/{id}"]


def test_a_route_is_learned_once() -> None:
    met: list[Any] = []

    def learn(route: Any) -> None:
        met.append(route)
        route.learned = True

    route = hooked(learn)()
    with captured():
        for _ in range(3):
            serve(route.handle)
    assert met == [route]


def test_an_included_route_is_named_by_its_counterpart_and_others_not_at_all() -> None:
    route = hooked(lambda _: None, within=("outer", "inner"))()
    counterpart = types.SimpleNamespace(original_route=route, path_format="/api/items/{id}", learned=True)
    stranger = types.SimpleNamespace(original_route=object(), path_format="/else", learned=True)
    places: list[dict[str, Any]] = [{}, {"outer": 3}, {"outer": {}}, {"outer": {"inner": None}}]
    with captured() as capture:
        for place in [*places, {"outer": {"inner": stranger}}, {"outer": {"inner": counterpart}}]:
            serve(route.handle, {**http(), **place})
    assert [trace.request.route for trace in capture.traces()] == [*[None] * 5, "/api/items/{id}"]


@pytest.mark.parametrize(
    ("fault", "scope"),
    [
        ({"path_format": None}, {MOUNTED_KEY: "/shop"}),
        ({}, {MOUNTED_KEY: 3}),
        ({"learned": ...}, {}),
        ({}, {"outer": {"inner": object()}}),
    ],
)
def test_a_fault_is_reported_and_the_request_goes_on(fault: dict[str, Any], scope: dict[str, Any]) -> None:
    reported: list[Any] = []

    class Truth:
        def __bool__(self) -> bool:
            raise OSError("undecided")

    kind = hooked(lambda _: None, lambda *told: reported.append(told), ("outer", "inner") if "outer" in scope else None)
    for name, value in fault.items():
        setattr(kind, name, Truth() if value is ... else value)
    route = kind()
    with captured() as capture:
        assert serve(route.handle, {**http(), **scope}) == "handled"
    ((told, error),) = reported
    assert told is route
    assert isinstance(error, Exception)
    assert capture.trace().request.outcome == "ok"


def test_what_is_no_fault_of_ours_comes_through() -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    route = hooked(interrupted)()
    with captured(), pytest.raises(KeyboardInterrupt):
        serve(route.handle)


def test_hooks_look_like_what_they_stand_for() -> None:
    assert inspect.iscoroutinefunction(hooked().handle)
    assert inspect.iscoroutinefunction(hooked()().handle)
    assert str(inspect.signature(hooked().handle)) == str(inspect.signature(Route.handle))


def test_calls_of_another_shape_pass_as_they_are() -> None:
    route = hooked(lambda _: None)()
    with captured():
        handle: Any = route.handle
        assert asyncio.run(handle(scope=http(), receive=receive, send=send)) == "handled"
        assert asyncio.run(handle(None, receive, send)) == "handled"
        with pytest.raises(TypeError):
            handle()


class Stack:
    """What is learned of a :class:`Middleware`."""

    def __init__(self, enter: Any, *, prepared: Any = False) -> None:
        self.enter = enter
        self.prepared = prepared
        self.met: list[Any] = []

    def prepare(self, middleware: Any) -> None:
        self.met.append(middleware)
        self.prepared = True


class Middleware:
    learned: Any = None

    async def run(self, scope: Any, receive: Any, send: Any) -> Any:
        return current_request() is not None


def stacked(stack: Any) -> Any:
    def learn(middleware: Any) -> Any:
        if isinstance(stack, BaseException):
            raise stack
        middleware.learned = stack
        return stack

    class Hooked(Middleware):
        __call__ = StackHook(Middleware.run, "learned", learn)

    return Hooked()


async def entered(scope: Any, receive: Any, send: Any) -> str:
    return "entered"


def test_a_stack_is_entered_by_what_was_learned_of_it() -> None:
    app = stacked(Stack(entered))
    assert [asyncio.run(app(http(), receive, send)) for _ in range(2)] == ["entered"] * 2
    assert asyncio.run(stacked(Stack(None))(http(), receive, send)) is False


def test_a_stack_inside_a_request_is_prepared_once_and_run() -> None:
    stack = Stack(entered)
    app = stacked(stack)
    with captured() as capture:
        assert [serve(app) for _ in range(2)] == [True, True]
    assert stack.met == [app]
    assert len(capture.traces()) == 2


def test_a_fault_in_learning_runs_the_application_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: told.append(unraisable.exc_type))
    for fault in (OSError(), types.SimpleNamespace()):
        assert asyncio.run(stacked(fault)(http(), receive, send)) is False
    with captured():
        assert serve(stacked(types.SimpleNamespace(prepared=False))) is True
    assert told == [OSError, AttributeError, AttributeError]
    with pytest.raises(KeyboardInterrupt):
        stacked(KeyboardInterrupt())(http(), receive, send)


def test_a_scope_with_a_stranger_under_the_key_is_not_traced() -> None:
    assert asyncio.run(stacked(Stack(entered))({**http(), REQUEST_KEY: "mine"}, receive, send)) == "entered"


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (RouteHook, (3, "learned", print, print)),
        (RouteHook, (print, "learned", print, print, ("one",))),
        (RouteHook, (print, 3, print, print)),
        (StackHook, (3, "learned", print)),
        (StackHook, (print, 3, print)),
    ],
    ids=[
        "route of nothing",
        "half a place",
        "route learned by no name",
        "stack of nothing",
        "stack learned by no name",
    ],
)
def test_faulty_hooks_are_refused(kind: Any, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        kind(*arguments)
