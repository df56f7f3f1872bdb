"""A traced application without a framework, for tests of processes; what it does is in the path.

``gates`` makes a request wait for the test: ``/hold/x`` goes on once the test has opened gate ``x``.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

from scope import ScopeMiddleware, annotate, mark, span

from .gates import pass_gate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


async def answer(send: Send, *parts: str, status: int = 200) -> None:
    """A whole response; each part is a message of its own."""
    await send({"type": "http.response.start", "status": status, "headers": []})
    for part in parts:
        await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
    await send({"type": "http.response.body"})


async def hello(send: Send, argument: str) -> None:
    with span("greet", whom=argument):
        await answer(send, "hello ", argument)


async def hold(send: Send, argument: str) -> None:
    """Two spans are open while the gate is closed."""
    with span("outer"):
        annotate(note="before the gate")
        with span("inner"):
            await pass_gate(argument)
    await answer(send, "held")


async def stream(send: Send, argument: str) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    await pass_gate(argument)
    await send({"type": "http.response.body", "body": b"last"})


async def after(send: Send, argument: str) -> None:
    """Work that goes on after the response has been sent whole."""
    await answer(send, "answered")
    with span("background"):
        await pass_gate(argument)


async def many(send: Send, argument: str) -> None:
    """``/many/NAME-ROUNDS-MARKS``: in every round as many marks; gate ``NAME-k`` lets round k begin."""
    name, rounds, marks = argument.split("-")
    for number in range(int(rounds)):
        await pass_gate(f"{name}-{number}")
        for _ in range(int(marks)):
            mark("tick")
    await answer(send, "many")


async def nap(send: Send, argument: str) -> None:
    """Sleeps so many times for a moment."""
    for _ in range(int(argument)):
        await asyncio.sleep(0.01)
    await answer(send, "rested")


async def block(send: Send, argument: str) -> None:
    """Holds its loop for so many milliseconds."""
    with span("report"):
        time.sleep(int(argument) / 1000)  # noqa: ASYNC251 - the fault that is to be seen
    await answer(send, "done")


async def threaded(send: Send, argument: str) -> None:
    """As many marks, made in a thread."""

    def work() -> None:
        for _ in range(int(argument)):
            mark("tick")

    await asyncio.to_thread(work)
    await answer(send, "threaded")


async def named(send: Send, argument: str) -> None:
    """``/named/PREFIX-COUNT``: as many spans, each under a long name of its own."""
    prefix, count = argument.split("-")
    for number in range(int(count)):
        with span(f"{prefix}-{number}-{'n' * 400}"):
            pass
    await answer(send, "named")


async def pid(send: Send, argument: str) -> None:
    await answer(send, str(os.getpid()))


PATHS: dict[str, Callable[[Send, str], Awaitable[None]]] = {
    each.__name__: each for each in (hello, hold, stream, after, many, nap, block, threaded, named, pid)
}


async def chat(receive: Receive, send: Send) -> None:
    """A WebSocket that answers each message with the same."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        with span("message"):
            await send({"type": "websocket.send", "text": message["text"]})


async def endless(receive: Receive, send: Send) -> None:
    """A stream that ends when the client has left."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


async def flood(receive: Receive, send: Send) -> None:
    """A stream without end, as fast as the client takes it, that ends when the client has left."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    left = asyncio.create_task(until_left(receive))
    while not left.done():
        with span("chunk"):
            await send({"type": "http.response.body", "body": b"data: x\n\n" * 7000, "more_body": True})


async def until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def live(receive: Receive, send: Send) -> None:
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


STREAMS: dict[str, Callable[[Receive, Send], Awaitable[None]]] = {"endless": endless, "flood": flood}


async def application(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    match scope["type"]:
        case "lifespan":
            await live(receive, send)
        case "websocket":
            await chat(receive, send)
        case _:
            _, name, argument, *_ = f"{scope['path']}//".split("/")
            await (STREAMS[name](receive, send) if name in STREAMS else PATHS[name](send, argument))


app = ScopeMiddleware(application)
