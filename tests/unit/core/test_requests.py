"""A request from its beginning to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from scope import ScopeMiddleware, _core, annotate, current_request, mark, span
from scope.testing import captured
from tests.unit.core.beginning import HEADER

from .inside import http, inside, named, receive, recorded, send

pytestmark = pytest.mark.usefixtures("no_integrations")


def test_the_route_is_named_by_its_template() -> None:
    def work() -> None:
        request = current_request()
        assert request is not None
        request.set_route("/items/{id}")
        request.set_route("/shop/items/{id}")
        assert request.route == "/shop/items/{id}"
        with pytest.raises(TypeError, match="must be a str"):
            request.set_route(3)  # type: ignore[arg-type]

    trace = inside(work)
    assert trace.request.route == "/shop/items/{id}"
    assert trace.root.name == "GET /shop/items/{id}"


def test_a_route_beyond_the_room_for_definitions_is_written_out() -> None:
    class Template(str):
        __slots__ = ()

    def work() -> None:
        request = current_request()
        assert request is not None
        request.set_route(Template("/sub/{class}"))  # not remembered: only a plain str is

    assert inside(work).request.route == "/sub/{class}"


def test_annotations_go_to_the_current_span_or_where_they_are_told() -> None:
    def work() -> None:
        annotate(first=1)
        request = current_request()
        assert request is not None
        with span("inner", given=0) as inner:
            annotate(second=2)
            request.annotate({"third": 3})
            with span("innermost"):
                inner.annotate(fourth=4, given=5)
            annotate()
            inner.annotate()
        inner.annotate(late=True)
        annotate(first="again")

    trace = inside(work)
    assert {"first": "again", "third": 3}.items() <= trace.root.attributes.items()
    assert named(trace, "inner").attributes == {"second": 2, "fourth": 4, "given": 5}
    assert named(trace, "innermost").attributes == {}


def test_annotating_outside_any_request_does_nothing() -> None:
    with captured() as capture:
        annotate(user=1)
        mark("moment")
        assert current_request() is None
    assert capture.traces() == []


@pytest.mark.parametrize(
    ("function", "arguments", "keywords"),
    [
        (annotate, (1,), {}),
        (span("a").annotate, (1,), {}),
        (span, (), {}),
        (span, (3,), {}),
        (span, ("a", "b"), {}),
        (mark, (), {}),
        (mark, (3,), {}),
        (_core.Span, ("a", 99), {}),
        (_core.Span, ("a", 0, 3), {}),
        (_core.Span, ("a",), {"kind": 1}),
        (_core.Span, (3,), {}),
        (_core.activation, ("x",), {}),
        (_core.set_session, (3,), {}),
        (_core.set_starter, (3,), {}),
        (_core.set_complain, (3,), {}),
        (_core.set_describe, (3,), {}),
        (_core.set_secret_names, (3,), {}),
        (_core.define_code, ("m", "q", "f", "line", 0), {}),
    ],
    ids=str,
)
def test_misuse_is_a_type_error(
    function: Callable[..., object], arguments: tuple[object, ...], keywords: dict[str, object]
) -> None:
    with pytest.raises(TypeError):
        function(*arguments, **keywords)


def test_marks_are_moments_of_the_current_span() -> None:
    def work() -> None:
        with span("work"):
            mark("plain")
            mark("with more", key=3)

    marks = named(inside(work), "work").marks
    assert [(found.name, dict(found.attributes)) for found in marks] == [("plain", {}), ("with more", {"key": 3})]


def test_a_request_is_written_to_its_end_once() -> None:
    with captured() as capture:
        request = _core.begin_request(http(), HEADER, True)
        assert request is not None
        assert request.fail(KeyError()) == 1
        assert request.fail(asyncio.CancelledError()) == 2
        request.end(0)
        with pytest.raises(TypeError):
            request.end("ok")  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            request.annotate([])  # type: ignore[arg-type]
    trace = capture.trace()
    assert (trace.request.outcome, trace.request.status) == ("exception", 500)
    assert [event.type.name for event in capture.events()].count("REQUEST_END") == 1


def test_what_is_current_is_given_back_whatever_was_left_on() -> None:
    with captured():
        outer, inner = (_core.begin_request(http(), HEADER, True) for _ in range(2))
        assert outer is not None
        assert inner is not None
        before = outer.activate()
        within = inner.activate()
        outer.deactivate(before)  # not current: nothing happens
        assert current_request() is inner
        inner.deactivate(within)
        assert current_request() is outer
        outer.deactivate(None)
        assert current_request() is None
        outer.deactivate(before)


def test_lifespan_is_a_trace_and_nobodys_current_request() -> None:
    seen: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(current_request())
        raise KeyError

    with captured() as capture, pytest.raises(KeyError):
        asyncio.run(ScopeMiddleware(app)({"type": "lifespan"}, receive, send))
    trace = capture.trace()
    assert (trace.request.kind, trace.request.outcome, trace.root.name) == ("lifespan", "exception", "lifespan")
    assert seen == [None]


def test_the_shutdown_of_a_lifespan_says_that_the_process_is_about_to_end() -> None:
    messages = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))
    kinds: list[list[str]] = []

    async def next_message() -> dict[str, str]:
        return next(messages)

    with captured() as capture:

        async def app(scope: Any, receive: Any, send: Any) -> None:
            for _ in range(2):
                await receive()
                kinds.append([event.kind for event in capture.process_events()])

        asyncio.run(ScopeMiddleware(app)({"type": "lifespan"}, next_message, send))
    assert kinds == [[], ["shutdown"]]


def test_an_exit_is_told_where_there_is_a_session() -> None:
    _core.say_goodbye()
    with captured() as capture:
        _core.say_goodbye()
    assert [event.kind for event in capture.process_events()] == ["shutdown"]


def test_an_application_within_an_application_is_one_request() -> None:
    inner = ScopeMiddleware(lambda scope, receive, send: serve_nothing(send))
    outer = ScopeMiddleware(inner)

    async def serve_nothing(send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    sent: list[Any] = []

    async def keep(message: Any) -> None:
        sent.append(message)

    with captured() as capture:
        asyncio.run(outer(http(), receive, keep))
    assert capture.trace().request.status == 204
    assert [name for name, _ in sent[0]["headers"]] == [HEADER]


def test_nothing_is_recorded_where_no_session_is_and_none_can_be_started() -> None:
    with captured() as capture:
        session = _core.get_session()
        _core.set_session(None)
        _core.set_starter(None)
        assert _core.begin_request(http(), HEADER, True) is None
        with span("task"):
            annotate(a=1)
        assert not _core.start()
        _core.set_session(session)
    assert capture.events() == []


def test_recorded_work_is_complete() -> None:
    assert recorded(lambda: None).trace().request.complete
