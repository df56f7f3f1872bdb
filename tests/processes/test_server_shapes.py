"""What becomes of connections, streams and background work, served by a real server."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from websockets.sync.client import connect

from scope.config import load
from scope.store import Reader
from tests.support.gates import Gates
from tests.support.servers import Server, collector, server
from tests.support.stored import listed, span_names, trace_of, when_stored
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path / "gates")


@pytest.fixture
def running(tmp_path: Path, gates: Gates) -> Iterator[Server]:
    with collector(tmp_path), server(tmp_path, settings=gates.environment) as started:
        yield started


def test_a_websocket_is_a_connection_of_its_own_kind_with_its_messages_counted(running: Server) -> None:
    headers = {"X-Request-ID": "chat"}
    with connect(f"ws://127.0.0.1:{running.port}/chat", additional_headers=headers) as socket:
        for text in ("one", "two", "three"):
            socket.send(text)
            assert socket.recv(PATIENCE_S) == text
        seen = when_stored("chat", lambda each: each.state == "open")
        assert (seen.kind, seen.path) == ("websocket", "/chat")
    done = when_stored("chat", lambda each: each.state == "done")
    assert (done.kind, done.complete, done.outcome) == ("websocket", True, "ok")
    assert (done.messages_in, done.messages_out) == (3, 3)
    assert (done.bytes_in, done.bytes_out) == (11, 11)
    assert [each.kind for each in listed() if each.id == "chat"] == ["websocket"]


def test_a_streaming_response_ends_at_its_last_byte(running: Server, gates: Gates) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)
    connection.request("GET", "/stream/here", headers={"X-Request-ID": "stream"})
    response = connection.getresponse()
    assert response.read(5) == b"first"
    gates.reached("here")
    reached_ns = time.time_ns()
    seen = when_stored("stream", lambda each: each.first_byte_ns is not None)
    assert (seen.state, seen.status) == ("open", 200)
    opened_ns = time.time_ns()
    gates.open("here")
    assert response.read() == b"last"
    connection.close()
    done = when_stored("stream", lambda each: each.state == "done")
    assert done.complete
    assert done.first_byte_ns is not None
    assert done.first_byte_ns < reached_ns
    assert done.start_ns + done.duration_ns > opened_ns
    assert done.bytes_out == len("firstlast")


def test_work_after_the_last_byte_is_shown_apart(running: Server, gates: Gates) -> None:
    response = running.get("/after/here", "after")
    assert (response.status, response.body) == (200, "answered")
    gates.reached("here")
    seen = when_stored("after", lambda each: each.spans == 2)
    assert (seen.state, seen.status) == ("open", 200)
    opened_ns = time.time_ns()
    gates.open("here")
    done = when_stored("after", lambda each: each.state == "done")
    # the client may have the last byte a moment before the server says that it has sent it
    assert done.start_ns + done.duration_ns < opened_ns < done.start_ns + done.duration_ns + done.background_ns
    assert span_names(done) == {"background": "ok"}


def test_a_client_that_leaves_in_the_middle_of_a_stream_is_told_of(running: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)
    connection.request("GET", "/endless", headers={"X-Request-ID": "leaves"})
    response = connection.getresponse()
    assert response.read(5) == b"first"
    assert when_stored("leaves", lambda each: each.status == 200).state == "open"
    response.close()
    connection.close()
    done = when_stored("leaves", lambda each: each.state == "done")
    assert (done.complete, done.bytes_out, done.outcome) == (True, 5, "disconnected")
    assert [mark.name for mark in trace_of(done).root.marks] == ["client disconnected"]


def test_a_client_that_does_not_wait_for_the_answer_leaves_a_whole_request(running: Server, gates: Gates) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)
    connection.request("GET", "/hold/here", headers={"X-Request-ID": "leaves"})
    gates.reached("here")
    connection.close()
    gates.open("here")
    done = when_stored("leaves", lambda each: each.state == "done")
    assert done.complete
    assert span_names(done) == {"outer": "ok", "inner": "ok"}


def test_the_life_of_the_application_is_a_request_of_its_own_kind(running: Server) -> None:
    running.get("/hello/you", "a")
    when_stored("a", lambda each: each.complete)
    assert [each.state for each in listed() if each.kind == "lifespan"] == ["open"]
    assert running.stop() < 0
    with Reader(load().store_dir) as reader:
        [lifespan] = [each for each in reader.requests() if each.kind == "lifespan"]
    assert when_stored(lifespan.id, lambda each: each.state == "done").complete
