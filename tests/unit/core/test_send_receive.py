"""What passes between server and application passes unchanged, is counted, and carries the correlation header once."""

from __future__ import annotations

import asyncio
import copy
import gc
from collections import UserDict
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any

import pytest

from scope import ScopeMiddleware, _core
from scope.model import Event, EventType, Trace
from scope.testing import captured

from .inside import http

pytestmark = pytest.mark.usefixtures("no_integrations")

HEADER = b"x-request-id"


class Server:
    """Messages in and out, as plain as can be."""

    def __init__(self, *incoming: Any) -> None:
        self.incoming = list(incoming)
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        await asyncio.sleep(0)
        return self.incoming.pop(0) if self.incoming else {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        await asyncio.sleep(0)


def exchange(app: Callable[..., Awaitable[None]], server: Any, **scope: object) -> tuple[Trace, list[Event]]:
    with captured() as capture:
        asyncio.run(ScopeMiddleware(app)(http(**scope), server.receive, server.send))
    return capture.trace(), capture.events()


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


# --- receive ---------------------------------------------------------------------------------------------------------


def test_what_is_received_is_the_servers_own_message_and_counted() -> None:
    messages = [
        {"type": "http.request", "body": b"123", "more_body": True},
        {"type": "http.request", "body": b"4"},
        {"type": "http.request"},
        {"type": "odd"},
        "text",
        None,
    ]
    server = Server(*messages)
    got: list[Any] = []

    async def app(_: object, receive: Callable[[], Awaitable[Any]], send: object) -> None:
        got.extend([await receive() for _ in messages])

    request = exchange(app, server)[0].request
    assert all(one is other for one, other in zip(got, messages, strict=True))
    assert (request.messages_in, request.bytes_in) == (3, 4)


def test_a_client_that_goes_is_noted_once_and_not_after_the_response() -> None:
    async def early(_: object, receive: Callable[[], Awaitable[Any]], send: object) -> None:
        await receive()
        await receive()

    async def late(_: object, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.body", "body": b""})
        await receive()

    counts, outcomes = [], []
    for app in (early, late):
        trace, events = exchange(app, Server())
        counts.append([event.type for event in events].count(EventType.DISCONNECT))
        outcomes.append(trace.request.outcome)
    assert counts == [1, 0]
    assert outcomes == ["disconnected", "ok"]


def test_cancelled_after_the_client_went_is_an_end_of_its_own() -> None:
    async def app(_: object, receive: Callable[[], Awaitable[Any]], send: object) -> None:
        await receive()
        raise asyncio.CancelledError

    with captured() as capture, pytest.raises(asyncio.CancelledError):
        asyncio.run(ScopeMiddleware(app)(http(), Server().receive, Server().send))
    assert capture.trace().request.outcome == "disconnected"


# --- awaiting --------------------------------------------------------------------------------------------------------


class Once:
    """An awaitable that is no coroutine."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, None, object]:
        yield from asyncio.sleep(0).__await__()
        return self.value


def wrapped(server: Any) -> tuple[Any, Any, _core.Request]:
    request = _core.begin_request(http(), HEADER, True)
    assert request is not None
    return request.wrap_receive(server.receive), request.wrap_send(server.send), request


def test_awaitables_that_are_no_coroutines_are_awaited() -> None:
    class Odd:
        def receive(self) -> Once:
            return Once({"type": "http.request", "body": b"xy"})

        def send(self, message: object) -> Once:
            return Once("sent")

    async def work() -> None:
        receive, send, request = wrapped(Odd())
        assert (await receive())["body"] == b"xy"
        assert await send({"type": "http.response.body"}) == "sent"
        request.end(0)

    with captured() as capture:
        asyncio.run(work())
    assert capture.trace().request.bytes_in == 2


def test_futures_are_awaited() -> None:
    class Odd:
        def receive(self) -> asyncio.Future[object]:
            future = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.001, future.set_result, {"type": "http.request", "body": b"z"})
            return future

        send = receive

    async def work() -> None:
        receive, _, request = wrapped(Odd())
        assert (await receive())["body"] == b"z"
        request.end(0)

    with captured() as capture:
        asyncio.run(work())
    assert capture.trace().request.bytes_in == 1


@pytest.mark.parametrize("nothing", [None, 3, "text"])
def test_what_cannot_be_awaited_fails_with_a_clear_error(nothing: object) -> None:
    class Odd:
        def receive(self) -> object:
            return nothing

        send = receive

    with captured():
        receive, _, _ = wrapped(Odd())
        with pytest.raises(TypeError, match="can't be used in 'await' expression"):
            receive()


def test_a_server_that_fails_to_make_an_awaitable_fails_through() -> None:
    class Odd:
        def receive(self) -> object:
            raise KeyError("receive")

        def send(self, message: object) -> object:
            raise KeyError("send")

    with captured():
        receive, send, _ = wrapped(Odd())
        with pytest.raises(KeyError, match="receive"):
            receive()
        with pytest.raises(KeyError, match="send"):
            send({"type": "http.response.body"})


def test_other_arguments_reach_the_servers_callables_as_they_are() -> None:
    class Odd:
        async def receive(self, *args: object, **kwargs: object) -> object:
            return args, kwargs

        send = receive

    async def work() -> None:
        receive, send, _ = wrapped(Odd())
        assert await receive(1, a=2) == ((1,), {"a": 2})
        assert await send(1, a=2) == ((1,), {"a": 2})
        assert await send(1, 2) == ((1, 2), {})
        assert await send(message=3) == ((), {"message": 3})
        assert await send() == ((), {})

    with captured():
        asyncio.run(work())


@pytest.mark.parametrize("start", [asyncio.create_task, asyncio.ensure_future, asyncio.wait_for, asyncio.shield])
def test_a_receive_can_be_run_as_a_task(start: Callable[..., Any]) -> None:
    async def work() -> None:
        receive, send, _ = wrapped(Server({"type": "http.request"}))
        made = start(receive()) if start is not asyncio.wait_for else start(receive(), 5)
        assert await made == {"type": "http.request"}
        last = send({"type": "http.response.body"})
        assert "Task" in repr(asyncio.ensure_future(last))
        await asyncio.sleep(0.001)

    with captured():
        asyncio.run(work(), debug=True)


def test_a_receive_in_an_anyio_task_group_can_be_cancelled() -> None:
    import anyio

    async def work() -> None:
        class Waits(Server):
            async def receive(self) -> Any:
                async with anyio.create_task_group():
                    await anyio.sleep(10)

        receive, _, _ = wrapped(Waits())
        task = asyncio.create_task(receive())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with anyio.move_on_after(0.01) as waited:
            await receive()
        assert waited.cancelled_caught

        async def inner() -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await receive()

        await asyncio.create_task(inner())

    with captured():
        asyncio.run(work())


def test_a_receive_whose_server_opens_a_cancel_scope_can_be_a_task() -> None:
    """anyio asks the running task's coroutine for its state, as inspect does."""
    import anyio

    async def work() -> None:
        class Times(Server):
            async def receive(self) -> Any:
                with anyio.move_on_after(0.01):
                    await anyio.sleep(10)
                return {"type": "http.disconnect"}

        receive, _, _ = wrapped(Times())
        assert (await asyncio.create_task(receive()))["type"] == "http.disconnect"

    with captured():
        asyncio.run(work())


def test_a_step_shows_the_state_of_the_coroutine_in_it() -> None:
    import inspect

    with captured():
        receive, _, _ = wrapped(Server())
        step: Any = receive()
        assert inspect.getcoroutinestate(step) == inspect.CORO_CREATED
        step.close()
        assert inspect.getcoroutinestate(step) == inspect.CORO_CLOSED
        with pytest.raises(AttributeError, match="nowhere"):
            _ = step.nowhere
        assert inspect.isawaitable(step)


def test_a_step_is_driven_like_a_coroutine() -> None:
    class Hand:
        def __init__(self) -> None:
            self.log: list[object] = []

        def __await__(self) -> Generator[str, str, dict[str, str]]:
            try:
                self.log.append((yield "first"))
                yield "second"
            except KeyError as error:
                self.log.append(error)
                return {"type": "thrown"}
            except GeneratorExit:
                self.log.append("closed")
                raise
            return {"type": "done"}

    hand = Hand()

    class Odd:
        def receive(self) -> Hand:
            return hand

        send = receive

    with captured():
        receive, _, _ = wrapped(Odd())
        step = receive()
        assert (step.send(None), step.send("sent")) == ("first", "second")
        with pytest.raises(StopIteration) as info:
            step.throw(KeyError("k"))
        assert info.value.value == {"type": "thrown"}
        step = receive()
        assert next(step) == "first"
        step.close()
        step = receive()
        next(step)
        with pytest.raises(OSError, match="o"):
            step.throw(OSError("o"))
        step = receive()
        assert [*step] == ["first", "second"]
    assert hand.log[0] == "sent"
    assert "closed" in hand.log


def test_closing_a_step_over_a_bare_iterator_is_no_error() -> None:
    class Bare:
        def __await__(self) -> Iterator[int]:
            return iter([1, 2])

    class Odd:
        def receive(self) -> Bare:
            return Bare()

        send = receive

    with captured():
        receive, _, _ = wrapped(Odd())
        step = receive()
        assert next(step) == 1
        assert step.close() is None
        with pytest.raises(RuntimeError, match="already awaited"):
            step.throw(KeyError())
        step = receive()
        assert next(step) == 1
        with pytest.raises(AttributeError):
            step.throw(KeyError())


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_what_is_never_awaited_is_dropped() -> None:
    with captured():
        receive, send, _ = wrapped(Server())
        receive()
        send({"type": "http.response.body"})
        gc.collect()


def test_the_wrappers_show_what_they_wrap_and_are_collected_in_cycles() -> None:
    class Server2(Server):
        app: Any = None

    server = Server2()
    with captured():
        receive, send, _ = wrapped(server)
        assert receive.__wrapped__ == server.receive
        assert send.__wrapped__ == server.send
        server.app = receive, send
        del receive, send, server
        assert gc.collect() > 0


def test_a_task_has_no_response_to_send() -> None:
    with captured(), _core.span("task"):
        request = _core.current_request()
        assert request is not None
        assert request.response_header is None
        with pytest.raises(TypeError, match="no response"):
            request.wrap_send(Server().send)
