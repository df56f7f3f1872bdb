"""What wraps a server's send and receive is awaited as what it wraps would be."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from scope import _core
from scope.testing import captured
from tests.unit.core.exchanging import HEADER, Server

from .inside import http

pytestmark = pytest.mark.usefixtures("no_integrations")


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
