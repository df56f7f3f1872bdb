from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from load_tests.generator import REUSE, Answer, AnswerError, generate, get

HOST = "127.0.0.1"
LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(
    serve: Serve,
    count: int,
    *,
    connections: int = 2,
    depth: int = 3,
    timeout_s: float = 5,
    loop_factory: LoopFactory = asyncio.new_event_loop,
) -> tuple[list[int], list[Answer]]:
    """Generate ``count`` requests against ``serve``: the numbers never answered, and the answers."""
    answers: list[Answer] = []

    async def scenario() -> list[int]:
        server = await asyncio.start_server(serve, HOST, 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            requests = (get(number, f"/{number}", f"Id-{number}", HOST) for number in range(count))
            limits = {"connections": connections, "depth": depth}
            try:
                return await generate(HOST, port, requests, keep=answers.append, timeout_s=timeout_s, **limits)
            finally:
                handlers = asyncio.all_tasks() - {asyncio.current_task()}
                await asyncio.gather(*handlers, return_exceptions=True)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(scenario()), answers


async def read_request(reader: asyncio.StreamReader) -> tuple[str, str] | None:
    """Path and request id of the next request."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    lines = head.split("\r\n")
    return lines[0].split()[1], next(line.split(": ")[1] for line in lines if line.startswith("x-request-id"))


def answer(path: str, request_id: str, status: int = 200) -> bytes:
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(path)}\r\nX-Request-ID: {request_id}\r\n\r\n"
    return (head + path).encode()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (request := await read_request(reader)) is not None:
        writer.write(answer(*request))
    writer.close()


async def echo_byte_by_byte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (request := await read_request(reader)) is not None:
        for byte in answer(*request):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
    writer.close()


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("serve", [echo, echo_byte_by_byte])
def test_every_request_gets_its_own_answer_however_the_bytes_arrive(serve: Serve, loop_factory: LoopFactory) -> None:
    unanswered, answers = run(serve, 50, loop_factory=loop_factory)
    assert unanswered == []
    assert sorted(item.number for item in answers) == list(range(50))
    assert all(item.request_id == f"Id-{item.number}" for item in answers)
    assert all(item.body_bytes == len(f"/{item.number}") for item in answers)
    assert all(item.sent_ns < item.received_ns for item in answers)


def test_connections_are_renewed_so_that_every_worker_gets_some() -> None:
    peers: list[int] = []

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(1)
        await echo(reader, writer)

    _, answers = run(count, 2 * REUSE + 1, connections=1)
    assert [item.number for item in answers] == list(range(2 * REUSE + 1))
    assert len(peers) == 3


def test_no_more_than_the_depth_is_in_flight() -> None:
    flights: list[int] = []

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: list[tuple[str, str]] = []
        try:
            while (request := await asyncio.wait_for(read_request(reader), 0.05)) is not None:
                waiting.append(request)
        except TimeoutError:
            flights.append(len(waiting))
        for request in waiting:
            writer.write(answer(*request))
        await echo(reader, writer)

    unanswered, _ = run(count, 20, connections=1, depth=4)
    assert unanswered == []
    assert flights == [4]


def test_a_connection_that_breaks_names_the_requests_without_an_answer() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        assert request is not None
        writer.write(answer(*request, status=503))
        await writer.drain()
        writer.close()

    unanswered, answers = run(hang_up, 3, connections=1, depth=3)
    assert [(item.number, item.status) for item in answers] == [(0, 503)]
    assert unanswered == [1, 2]


def test_a_server_that_keeps_silent_does_not_hold_it_up() -> None:
    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(0.1)
        writer.close()

    unanswered, answers = run(keep_silent, 4, timeout_s=0.05)
    assert sorted(unanswered) == [0, 1, 2, 3]
    assert answers == []


@pytest.mark.parametrize("nonsense", [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"what?\r\n\r\n"])
def test_an_answer_that_it_cannot_read_is_an_error(nonsense: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(nonsense)
        await reader.read()
        writer.close()

    with pytest.raises(AnswerError, match="not the answer"):
        run(babble, 1, connections=1)
