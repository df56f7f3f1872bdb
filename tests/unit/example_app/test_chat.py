from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect


def test_everyone_in_a_room_reads_what_one_writes(client: TestClient) -> None:
    with client.websocket_connect("/chat/hall?name=ann") as ann:
        assert ann.receive_text() == "* ann came in"
        with client.websocket_connect("/chat/hall?name=bob") as bob:
            assert ann.receive_text() == bob.receive_text() == "* bob came in"
            bob.send_text("hello")
            assert ann.receive_text() == bob.receive_text() == "bob: hello"
        assert ann.receive_text() == "* bob left"


def test_rooms_are_apart(client: TestClient) -> None:
    with (
        client.websocket_connect("/chat/hall?name=ann") as ann,
        client.websocket_connect("/chat/attic?name=bob") as bob,
    ):
        ann.send_text("hello")
        bob.send_text("anyone?")
        assert [bob.receive_text() for _ in range(2)] == ["* bob came in", "bob: anyone?"]


def test_a_room_with_a_bad_name_does_not_open(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/chat/The%20Hall"):
        pass
