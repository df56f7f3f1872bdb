"""What is sent through us arrives at the server, with the header of the correlation id; and what is recorded of it."""

from __future__ import annotations

import asyncio
import copy
from collections import UserDict
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from scope.model import EventType, Trace
from tests.unit.core.exchanging import HEADER, Server, exchange

pytestmark = pytest.mark.usefixtures("no_integrations")


def sent_by(*messages: Any, **scope: object) -> tuple[list[Any], Trace]:
    """What arrives at the server of ``messages``."""

    async def app(_: object, __: object, send: Callable[[Any], Awaitable[None]]) -> None:
        for message in messages:
            await send(message)

    server = Server()
    trace, _ = exchange(app, server, **scope)
    return server.sent, trace


def ids(message: Any) -> list[bytes]:
    return [value for name, value in message["headers"] if name.lower() == HEADER]


# --- send: the header ------------------------------------------------------------------------------------------------


def test_the_header_is_added_to_a_copy_and_everything_else_is_the_same() -> None:
    headers = [(b"content-type", b"text/plain"), (b"x", b"y")]
    start = {"type": "http.response.start", "status": 201, "headers": headers, "trailers": True, "extra": object()}
    body = {"type": "http.response.body", "body": b"abc"}
    before = copy.copy(start), list(headers)
    (first, second), trace = sent_by(start, body)

    assert (start, headers) == before
    assert start["headers"] is headers
    assert first == {**start, "headers": [*headers, (HEADER, trace.request.id.encode())]}
    assert first is not start
    assert second is body


@pytest.mark.parametrize("name", [b"x-request-id", b"X-Request-ID", b"X-REQUEST-ID"])
@pytest.mark.parametrize("pair", [tuple, list])
def test_a_header_that_the_application_set_stays_the_only_one(name: bytes, pair: type) -> None:
    (first,), _ = sent_by({"type": "http.response.start", "status": 200, "headers": [pair((name, b"mine"))]})
    assert ids(first) == [b"mine"]


@pytest.mark.parametrize(
    "headers",
    [
        lambda: None,
        list,
        lambda: (),
        lambda: ((b"a", b"b"),),
        lambda: [[b"a", b"b"]],
        lambda: iter([(b"a", b"b")]),
        lambda: ((name, b"b") for name in (b"a", b"c")),
        {b"a": b"b"}.items,
    ],
    ids=["none", "list", "tuple", "tuples", "lists", "iterator", "generator", "view"],
)
def test_headers_of_every_iterable_kind_arrive_whole(headers: Callable[[], Any]) -> None:
    expected = [tuple(pair) for pair in headers() or ()]
    (first,), trace = sent_by({"type": "http.response.start", "status": 200, "headers": headers()})
    assert [tuple(pair) for pair in first["headers"]] == [*expected, (HEADER, trace.request.id.encode())]


def test_headers_that_are_left_out_are_as_good_as_none() -> None:
    (first,), trace = sent_by({"type": "http.response.start", "status": 200})
    assert first["headers"] == [(HEADER, trace.request.id.encode())]


@pytest.mark.parametrize(
    "message",
    [
        None,
        "http.response.start",
        [],
        {},
        {"type": None},
        {"type": 3, "headers": []},
        {"type": "http.response.stört", "headers": []},
        {"type": b"http.response.start"},
        {"type": "http.response.start", "headers": 3},
        {"type": "http.response.start", "headers": "text"},
        {"type": "http.response.start", "headers": [None, 3, (), (1,), ("x-request-id", "text"), (b"x",)]},
        {"type": "http.response.start", "status": "200"},
        {"type": "http.response.start", "status": -1},
        {"type": "http.response.start", "status": 10**30},
        {"type": "http.response.body", "body": "text", "more_body": "yes"},
        {"type": "http.response.body", "body": None},
        {"type": "http.response.body", "body": ["x"]},
        {"type": "http.response.push", "path": "/x", "headers": []},
        {"type": "http.response.trailers", "headers": []},
        {"type": "http.response.debug", "info": {}},
        {3: 4},
    ],
    ids=repr,
)
def test_odd_messages_are_the_servers_to_judge(message: Any) -> None:
    before = copy.deepcopy(message)
    (arrived,), _ = sent_by(message)
    if isinstance(arrived, dict) and arrived != message:
        assert {**arrived, "headers": None} == {**before, "headers": None}
    else:
        assert arrived is message
    assert message == before


def test_a_mapping_that_is_no_dict_arrives_as_it_is() -> None:
    message = UserDict({"type": "http.response.start", "status": 200, "headers": []})
    (arrived,), _ = sent_by(message)
    assert arrived is message
    assert message["headers"] == []


def test_an_iterator_of_headers_that_fails_is_the_applications_matter() -> None:
    def failing() -> Iterator[tuple[bytes, bytes]]:
        raise KeyError
        yield

    message = {"type": "http.response.start", "status": 200, "headers": failing()}
    (arrived,), _ = sent_by(message)
    assert arrived is message


def test_a_subclass_of_str_as_type_counts_as_str() -> None:
    class Text(str):
        __slots__ = ()

    (first,), trace = sent_by({"type": Text("http.response.start"), "status": 200, "headers": []})
    assert ids(first) == [trace.request.id.encode()]


# --- send: what is recorded ------------------------------------------------------------------------------------------


def test_a_response_is_counted_to_its_last_byte() -> None:
    _, trace = sent_by(
        {"type": "http.response.start", "status": 206, "headers": []},
        {"type": "http.response.body", "body": b"12345", "more_body": True},
        {"type": "http.response.body", "body": bytearray(b"678"), "more_body": True},
        {"type": "http.response.body", "body": memoryview(b"9"), "more_body": True},
        {"type": "http.response.body"},
    )
    request = trace.request
    assert (request.status, request.bytes_out, request.messages_out) == (206, 9, 4)
    assert request.first_byte_ns
    assert request.complete


@pytest.mark.parametrize("extension", ["http.response.pathsend", "http.response.zerocopysend"])
def test_a_file_sent_by_the_server_ends_the_response(extension: str) -> None:
    server = Server()

    async def app(_: object, __: object, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": extension, "path": "/f", "file": 3})
        await asyncio.sleep(0)

    trace, events = exchange(app, server)
    assert EventType.RESPONSE_END in [event.type for event in events]
    assert trace.request.background_ns > 0


def test_the_last_byte_is_when_the_server_took_it() -> None:
    """A slow client's time is the response's, what comes afterwards is background work."""
    server = Server()

    async def app(_: object, __: object, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})
        await asyncio.sleep(0.03)

    async def slow(message: Any) -> None:
        await asyncio.sleep(0.02)

    server.send = slow  # type: ignore[method-assign]
    trace, _ = exchange(app, server)
    assert trace.request.duration_ns >= 35_000_000
    assert trace.request.background_ns >= 25_000_000


def test_a_second_last_byte_does_not_count() -> None:
    server = Server()

    async def app(_: object, __: object, send: Callable[[Any], Awaitable[None]]) -> None:
        for _number in range(3):
            await send({"type": "http.response.body", "body": b"x"})

    _, events = exchange(app, server)
    assert [event.type for event in events].count(EventType.RESPONSE_END) == 1


def test_a_send_that_fails_ends_no_response() -> None:
    server = Server()

    async def app(_: object, __: object, send: Callable[[Any], Awaitable[None]]) -> None:
        with pytest.raises(ConnectionError, match="gone"):
            await send({"type": "http.response.body", "body": b"x"})

    async def broken(message: Any) -> None:
        raise ConnectionError("gone")

    server.send = broken  # type: ignore[method-assign]
    _, events = exchange(app, server)
    assert EventType.RESPONSE_END not in [event.type for event in events]


def test_a_websocket_is_answered_with_101_or_refused_with_403() -> None:
    (accepted, _), accepting = sent_by(
        {"type": "websocket.accept", "headers": []}, {"type": "websocket.close"}, type="websocket"
    )
    _, refusing = sent_by({"type": "websocket.close", "code": 1008}, type="websocket")
    assert (accepting.request.status, refusing.request.status) == (101, 403)
    assert accepting.request.kind == "websocket"
    assert ids(accepted) == [accepting.request.id.encode()]


def test_a_websocket_may_be_refused_with_a_response_of_its_own() -> None:
    (start, _), trace = sent_by(
        {"type": "websocket.http.response.start", "status": 418, "headers": []},
        {"type": "websocket.http.response.body", "body": b"tea"},
        type="websocket",
    )
    assert (trace.request.status, trace.request.bytes_out) == (418, 3)
    assert ids(start) == [trace.request.id.encode()]


def test_messages_of_a_websocket_are_counted_both_ways() -> None:
    server = Server(
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "h\xe9\u20ac\U0001f600"},
        {"type": "websocket.receive", "bytes": b"abc", "text": None},
        {"type": "websocket.disconnect", "code": 1000},
    )

    async def app(_: object, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for _number in range(2):
            await receive()
        await send({"type": "websocket.send", "text": "12"})
        await send({"type": "websocket.send", "bytes": b"3"})
        await receive()

    request = exchange(app, server, type="websocket")[0].request
    assert (request.messages_in, request.bytes_in) == (2, 1 + 2 + 3 + 4 + 3)
    assert (request.messages_out, request.bytes_out) == (2, 3)
    assert request.status == 101
