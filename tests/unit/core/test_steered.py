"""A process learns, as a request begins, that other functions are to be recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from scope import _core
from scope.testing import captured
from tests.unit.core.inside import http, receive, send


@pytest.fixture
def calls() -> Iterator[list[None]]:
    noted: list[None] = []
    _core.set_steered(lambda: noted.append(None))
    yield noted
    _core.set_steered(None)


def begin() -> None:
    request = _core.begin_request(http(), b"x-request-id", True)
    assert request is not None
    request.end(0)


def test_the_hook_is_called_once_for_each_change_when_the_next_request_begins(calls: list[None]) -> None:
    with captured():
        session = _core.get_session()
        assert session is not None
        segment = _core.Segment(session.path)
        begin()
        before = len(calls)
        for number, expected in ((7, 1), (7, 1), (8, 2), (0, 3), (1 << 40, 3)):
            segment.set_control(number)
            assert len(calls) - before <= expected
            begin()
            begin()
            assert len(calls) - before == expected
        segment.close()


def test_messages_and_tasks_look_for_changes_too(calls: list[None]) -> None:
    """A connection may be the only request of its process for hours."""
    with captured():
        session = _core.get_session()
        assert session is not None
        segment = _core.Segment(session.path)
        request = _core.begin_request(http(), b"x-request-id", True)
        assert request is not None
        before = len(calls)
        segment.set_control(7)
        asyncio.run(once(request.wrap_receive(receive)))
        assert len(calls) - before == 1
        segment.set_control(8)
        asyncio.run(once(request.wrap_send(send), {"type": "http.response.start", "status": 200, "headers": []}))
        assert len(calls) - before == 2
        request.end(0)
        segment.set_control(0)
        with _core.Span("task", 0):
            assert len(calls) - before == 3
        segment.close()


async def once(call: Any, *arguments: object) -> None:
    await call(*arguments)


def test_what_the_hook_raises_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda told: unraisable.append(told.exc_value))
    with captured():
        session = _core.get_session()
        assert session is not None
        segment = _core.Segment(session.path)
        _core.set_steered(lambda: 1 / 0)
        try:
            for number in (9, 0):
                segment.set_control(number)
                begin()
        finally:
            _core.set_steered(None)
            segment.close()
    assert [type(error) for error in unraisable] == [ZeroDivisionError] * 2


def test_only_a_callable_can_be_the_hook() -> None:
    wrong: Any = 3
    with pytest.raises(TypeError, match=r"set_steered\(\) takes a callable or None, not int"):
        _core.set_steered(wrong)
