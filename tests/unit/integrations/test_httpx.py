"""Requests sent within a request are spans of it, and hand the trace on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import httpx2
import pytest

from scope import _core
from scope.integrations import httpx as integration
from scope.integrations import install
from scope.model import Span, SpanKind
from scope.testing import Capture

from .shape import spans

Handler = Callable[[Any], Any]
Send = Callable[..., Any]


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    with install(["httpx"]):
        yield request.param


@pytest.fixture(params=["sync", "async"])
def send(request: pytest.FixtureRequest, library: Any) -> Send:
    """Sends one request by a client of either kind, to a server that is a function."""

    def send_sync(handler: Handler, sent: Any, **options: Any) -> Any:
        with library.Client(transport=library.MockTransport(handler)) as client:
            return client.send(sent, **options)

    async def send_async(handler: Handler, sent: Any, **options: Any) -> Any:
        async with library.AsyncClient(transport=library.MockTransport(handler)) as client:
            return await client.send(sent, **options)

    def send(handler: Handler, sent: Any, **options: Any) -> Any:
        if request.param == "sync":
            return send_sync(handler, sent, **options)
        return asyncio.run(send_async(handler, sent, **options))

    return send


@pytest.fixture
def traced(capture: Capture) -> Any:
    """The request that everything here is sent for; its caller sent a trace and an id."""
    headers = [
        (b"x-request-id", b"order-7"),
        (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        (b"tracestate", b"vendor=1"),
    ]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    request = _core.begin_request(scope, b"x-request-id", True)
    assert request is not None
    before = request.activate()
    yield request
    request.end(0)
    request.deactivate(before)


def client_span(capture: Capture) -> Span:
    (span,) = spans(capture.trace(), SpanKind.CLIENT)
    return span


def test_a_request_is_a_span_without_its_query(capture: Capture, traced: Any, library: Any, send: Send) -> None:
    request = library.Request("POST", "http://ann:secret@payments.example:8443/cards/1?key=secret")
    assert send(lambda _: library.Response(201), request).status_code == 201
    span = client_span(capture)
    assert (span.name, span.status) == ("POST payments.example", "ok")
    assert span.attributes == {
        "http.request.method": "POST",
        "server.address": "payments.example",
        "server.port": 8443,
        "url.path": "/cards/1",
        "http.response.status_code": 201,
    }


def test_the_trace_is_handed_on_below_the_span(capture: Capture, traced: Any, library: Any, send: Send) -> None:
    headers: dict[str, str] = {}
    send(
        lambda sent: headers.update(sent.headers) or library.Response(200), library.Request("GET", "http://a.example/")
    )
    assert headers["traceparent"] == f"00-0af7651916cd43dd8448eb211c80319c-{client_span(capture).span_id}-01"
    assert (headers["tracestate"], headers["x-request-id"]) == ("vendor=1", "order-7")


def test_headers_that_the_application_set_are_left_alone(traced: Any, library: Any, send: Send) -> None:
    own = {"traceparent": "00-11111111111111111111111111111111-2222222222222222-00", "x-request-id": "mine"}
    headers: dict[str, str] = {}
    request = library.Request("GET", "http://a.example/", headers=own)
    send(lambda sent: headers.update(sent.headers) or library.Response(200), request)
    assert {name: headers.get(name) for name in (*own, "tracestate")} == {**own, "tracestate": None}


def test_a_request_that_is_sent_again_has_the_headers_of_the_second_time(
    capture: Capture, traced: Any, library: Any, send: Send
) -> None:
    parents = []

    def answer(sent: Any) -> Any:
        parents.append(sent.headers["traceparent"])
        return library.Response(200)

    request = library.Request("GET", "http://a.example/")
    before = request.headers.copy()
    for _ in range(2):
        send(answer, request)
    assert len(set(parents)) == 2
    assert request.headers == before


def test_an_exception_is_the_spans(capture: Capture, traced: Any, library: Any, send: Send) -> None:
    def refuse(request: Any) -> Any:
        raise library.ConnectError("nobody listens")

    request = library.Request("GET", "http://a.example/")
    with pytest.raises(library.ConnectError):
        send(refuse, request)
    span = client_span(capture)
    assert span.exception is not None
    assert (span.exception.type, span.status) == (f"{library.__name__}.ConnectError", "error")
    assert "traceparent" not in request.headers


@pytest.mark.parametrize("follow", [True, False])
def test_a_redirect_is_one_span_and_keeps_no_header_for_later(
    capture: Capture, traced: Any, library: Any, send: Send, follow: bool
) -> None:
    def redirect(request: Any) -> Any:
        if request.url.path == "/old":
            return library.Response(302, headers={"location": "/new"})
        return library.Response(200)

    response = send(redirect, library.Request("GET", "http://a.example/old"), follow_redirects=follow)
    assert client_span(capture).attributes["http.response.status_code"] == (200 if follow else 302)
    if not follow:
        assert not {"traceparent", "x-request-id"} & set(response.next_request.headers)


def test_outside_a_request_nothing_is_added(capture: Capture, library: Any, send: Send) -> None:
    headers: dict[str, str] = {}
    send(
        lambda sent: headers.update(sent.headers) or library.Response(200), library.Request("GET", "http://a.example/")
    )
    assert not {"traceparent", "x-request-id"} & set(headers)
    assert capture.traces() == []


def test_the_many_hosts_of_a_crawler_have_one_name(capture: Capture, traced: Any, library: Any, send: Send) -> None:
    for number in range(300):
        send(lambda _: library.Response(200), library.Request("GET", f"http://host-{number}.example/"))
    names = [span.name for span in spans(capture.trace(), SpanKind.CLIENT)]
    assert (len(set(names)), names[-1]) == (257, "GET")


def test_a_streamed_response_can_be_read_after_its_span(capture: Capture, traced: Any, library: Any) -> None:
    transport = library.MockTransport(lambda _: library.Response(200, content=b"rows"))
    with library.Client(transport=transport) as client, client.stream("GET", "http://a.example/") as response:
        assert client_span(capture).duration_ns is not None
        assert response.read() == b"rows"


def test_the_configured_header_carries_the_id(monkeypatch: pytest.MonkeyPatch, capture: Capture, traced: Any) -> None:
    config = SimpleNamespace(capture=SimpleNamespace(request_header="x-correlation-id"))
    monkeypatch.setattr(integration, "process", SimpleNamespace(config=config))
    headers: dict[str, str] = {}
    transport = httpx2.MockTransport(lambda sent: headers.update(sent.headers) or httpx2.Response(200))
    with install(["httpx"]), httpx2.Client(transport=transport) as client:
        client.get("http://a.example/")
    assert headers["x-correlation-id"] == "order-7"
