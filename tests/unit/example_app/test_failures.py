from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from example_app.failures import Mishap


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("http/418", 418),
        ("domain", 409),
        ("validation", 422),
        ("validation?number=3", 200),
        ("response", 500),
        ("unhandled", 500),
        ("thread", 500),
        ("dependency", 500),
        ("cleanup", 500),
        ("timeout?after_ms=5", 504),
        ("cancelled", 502),
        ("hang?seconds=0", 200),
    ],
)
def test_a_failure_has_its_status(client: TestClient, path: str, status: int) -> None:
    assert client.get(f"/failures/{path}").status_code == status


def test_a_job_that_fails_leaves_the_answer_as_it_was(client: TestClient) -> None:
    assert client.get("/failures/background").status_code == 202


def test_a_stream_that_breaks_has_sent_what_came_before(client: TestClient) -> None:
    answer = client.get("/failures/stream")
    assert (answer.status_code, answer.text) == (200, "The first line arrives,\n")


def test_a_connection_fails_upon_its_first_message(client: TestClient) -> None:
    with pytest.raises(Mishap, match="Cannot answer hello"):
        say_hello(client)


def say_hello(client: TestClient) -> None:
    with client.websocket_connect("/failures/socket") as socket:
        socket.send_text("hello")
        socket.receive_text()
