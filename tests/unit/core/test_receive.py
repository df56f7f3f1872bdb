"""What is received through us is the server's own message, and counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from scope import ScopeMiddleware
from scope.model import EventType
from scope.testing import captured
from tests.unit.core.exchanging import Server, exchange

from .inside import http

pytestmark = pytest.mark.usefixtures("no_integrations")


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
