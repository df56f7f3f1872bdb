"""The beginning of a request: whose ids it has, and that nothing in an ASGI scope, however wrong, does any harm."""

from __future__ import annotations

import asyncio
import re
from collections import UserDict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scope import ScopeMiddleware, _core, annotate, current_request, mark, span
from scope.model import Trace
from scope.testing import captured

from .inside import http, inside, named, receive, recorded, send, serve

pytestmark = pytest.mark.usefixtures("no_integrations")

HEADER = b"x-request-id"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def begun(scope: Any, *, trust: bool = True) -> Trace:
    """The trace of a request that was begun with ``scope`` and ended at once."""
    with captured() as capture:
        request = _core.begin_request(scope, HEADER, trust)
        assert request is not None
        request.end(0)
    return capture.trace()


def with_headers(*headers: tuple[bytes, bytes], trust: bool = True) -> Trace:
    return begun(http(headers=list(headers)), trust=trust)


# --- ids -------------------------------------------------------------------------------------------------------------


def test_ids_are_made_where_the_caller_sends_none() -> None:
    one, two = (begun(http()).request for _ in range(2))
    assert re.fullmatch("[0-9a-f]{32}", one.trace_id)
    assert re.fullmatch("[0-9a-f]{16}", one.span_id)
    assert one.id == one.trace_id
    assert one.remote_parent_id is None
    assert {one.trace_id, one.span_id}.isdisjoint({two.trace_id, two.span_id})


@pytest.mark.parametrize("valid", [b"a", b"A-z_0.9:~+/=@", b"x" * 128])
def test_a_valid_request_id_is_taken_over(valid: bytes) -> None:
    request = with_headers((HEADER, valid)).request
    assert request.id == valid.decode()
    assert request.trace_id != request.id


@pytest.mark.parametrize(
    "hostile",
    [b"", b"x" * 129, b"a b", b"a\r\nset-cookie: b", b"a\0b", b"\x1b[31m", "é".encode(), b"a,b", b"<a>", b"%0a"],
)
def test_a_hostile_request_id_is_replaced_and_nowhere_echoed(hostile: bytes) -> None:
    async def work() -> None:
        request = current_request()
        assert request is not None
        assert request.response_header == (HEADER, request.trace_id.encode())

    with captured() as capture:
        asyncio.run(serve(work, http(headers=[(HEADER, hostile)])))
    request = capture.trace().request
    assert request.id == request.trace_id
    if len(hostile) > 1:
        assert hostile.decode("latin-1") not in repr(capture.events())


def test_the_last_of_several_request_ids_counts() -> None:
    assert with_headers((HEADER, b"one"), (HEADER, b"two")).request.id == "two"


def test_the_callers_trace_goes_on() -> None:
    trace = with_headers((b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()), (b"tracestate", b"a=1,b=2"))
    assert (trace.request.trace_id, trace.request.remote_parent_id) == (TRACE, PARENT)
    assert trace.request.id == TRACE
    assert trace.root.attributes["tracestate"] == "a=1,b=2"
    assert trace.root.parent_id is None


@pytest.mark.parametrize(
    "invalid",
    [
        "",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00_{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0g",
        "x" * 55,
    ],
)
def test_an_invalid_traceparent_begins_a_trace_of_our_own(invalid: str) -> None:
    trace = with_headers((b"traceparent", invalid.encode()), (b"tracestate", b"a=1"))
    assert trace.request.trace_id != TRACE
    assert trace.request.remote_parent_id is None
    assert "tracestate" not in trace.root.attributes


def test_a_later_version_of_traceparent_is_read_as_far_as_it_is_known() -> None:
    assert with_headers((b"traceparent", f"cc-{TRACE}-{PARENT}-01-more".encode())).request.trace_id == TRACE


@pytest.mark.parametrize("invalid", [b"", b"x" * 513, b"a=\xff", b"a\n"])
def test_an_invalid_tracestate_is_dropped_without_the_traceparent(invalid: bytes) -> None:
    trace = with_headers((b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()), (b"tracestate", invalid))
    assert trace.request.trace_id == TRACE
    assert "tracestate" not in trace.root.attributes


def test_an_untrusted_caller_chooses_no_id() -> None:
    request = with_headers((HEADER, b"mine"), (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()), trust=False).request
    assert request.id == request.trace_id != TRACE
    assert request.remote_parent_id is None


def test_the_request_tells_its_ids_while_it_runs() -> None:
    seen: list[Any] = []

    def work() -> None:
        request = current_request()
        assert request is not None
        seen.extend([request.id, request.trace_id, request.span_id, request.traceparent, request.tracestate])
        seen.extend([request.route, request.response_started, repr(request)])

    headers = [(HEADER, b"r-1"), (b"traceparent", f"00-{TRACE}-{PARENT}-00".encode()), (b"tracestate", b"v=1")]
    with captured() as capture:
        asyncio.run(serve(work, http(headers=headers)))
    root = capture.trace().root.span_id
    assert seen == ["r-1", TRACE, root, f"00-{TRACE}-{root}-00", "v=1", None, False, "<scope.Request id='r-1'>"]


# --- the scope -------------------------------------------------------------------------------------------------------


def test_the_scope_is_described_under_opentelemetrys_names() -> None:
    headers = [(b"host", b"shop.example"), (b"user-agent", b"curl/8"), (b"cookie", b"session=1")]
    trace = begun(http(scheme="https", http_version="2", client=("10.0.0.1", 1), headers=headers, method="PUT"))
    said = {name: value for name, value in trace.root.attributes.items() if not name.startswith("http.request")}
    assert said == {
        "url.path": "/work",
        "url.scheme": "https",
        "network.protocol.version": "2",
        "client.address": "10.0.0.1",
        "server.address": "shop.example",
        "user_agent.original": "curl/8",
    }
    assert (trace.request.method, trace.request.path) == ("PUT", "/work")


@pytest.mark.parametrize("kind", ["http", "websocket", "lifespan"])
def test_the_three_kinds_of_scope_are_told_apart(kind: str) -> None:
    assert begun({"type": kind}).request.kind == kind


@pytest.mark.parametrize(
    "scope", [None, 3, [], "http", {}, {"type": None}, {"type": b"http"}, {"type": "other"}, UserDict(http())], ids=repr
)
def test_what_is_no_scope_begins_no_request(scope: Any) -> None:
    with captured() as capture:
        assert _core.begin_request(scope, HEADER, True) is None
    assert capture.traces() == []


@pytest.mark.parametrize("wrong", [(), ({},), ({}, "text", True), ({}, b"x", True, 1)], ids=repr)
def test_wrong_arguments_are_the_callers_fault(wrong: tuple[object, ...]) -> None:
    begin: Any = _core.begin_request
    with pytest.raises(TypeError, match="begin_request"):
        begin(*wrong)


class Text(str):
    """A subclass, as frameworks have them."""

    __slots__ = ()


class Hostile:
    """Raises whatever one does with it (but for what pytest and hypothesis look at)."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        return hash("path")

    def __iter__(self) -> Any:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __repr__(self) -> str:
        return "Hostile()"


NAMES = st.sampled_from([HEADER, b"traceparent", b"tracestate", b"host", b"user-agent", b"other"])
ANYTHING: st.SearchStrategy[Any] = st.deferred(
    lambda: st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.binary(),
        st.builds(Text, st.text()),
        st.builds(bytearray, st.binary()),
        st.builds(Hostile),
        st.lists(ANYTHING, max_size=3),
        st.lists(ANYTHING, max_size=3).map(tuple),
        st.lists(st.tuples(NAMES, st.binary()), max_size=4),
        st.dictionaries(st.text(max_size=3), ANYTHING, max_size=2),
    )
)
FIELDS = ["method", "path", "headers", "scheme", "http_version", "client", "server", "root_path", "query_string"]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["http", "websocket", "lifespan"]), st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_nothing_in_a_scope_raises(kind: str, fields: dict[str, Any]) -> None:
    trace = begun({"type": Text(kind), **fields})
    assert trace.request.kind == kind
    assert trace.request.complete


@pytest.mark.parametrize("key", [Hostile(), 3, b"path", None], ids=repr)
def test_keys_that_are_no_str_are_passed_over(key: Any) -> None:
    assert begun({key: 1, "type": "http"}).request.kind == "http"


def test_a_long_path_is_cut_and_a_secret_in_it_masked() -> None:
    assert len(begun(http(path="/" + "x" * 5000)).request.path) == 1024
    assert "hunter2" not in begun(http(path="/login;password=hunter2")).request.path


def test_ill_formed_text_is_written_escaped() -> None:
    assert begun(http(path="/\udcff")).request.path == "/\\udcff"


def test_as_many_bytes_of_foreign_headers_as_fit_are_kept() -> None:
    trace = with_headers((b"host", b"h" * 100_000), (b"user-agent", b"agent \xff\x00\r\n"))
    assert trace.root.attributes["server.address"] == "h" * 256
    assert trace.root.attributes["user_agent.original"] == "agent "


# --- while it runs ---------------------------------------------------------------------------------------------------


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
