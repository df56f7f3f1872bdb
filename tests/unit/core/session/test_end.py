"""A session goes without harm to whoever still holds a part of it."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from scope import Thread, _core, annotate, current_request, span
from scope.testing import captured
from scope.wire.lane import LaneState
from scope.wire.segment import SegmentFile
from tests.unit.core.inside import http, inside, outline, recorded, serve
from tests.unit.core.session.sessions import SMALL, session_at, step

pytestmark = pytest.mark.usefixtures("no_integrations")


def test_a_closed_session_says_so() -> None:
    with captured():
        session = _core.get_session()
    assert session is not None
    session.close()
    for ask in (session.statistics, lambda: session.control):
        with pytest.raises(ValueError, match="is closed"):
            ask()
    with pytest.raises(ValueError, match="is closed"):
        _core.set_session(session)
    assert len(session.uuid) == 32


def test_what_still_runs_when_the_session_is_closed_goes_on_unrecorded(path: Path) -> None:
    go_on, wrote = threading.Event(), threading.Event()
    seen: list[object] = []

    def late() -> None:
        step()
        wrote.set()
        assert go_on.wait(10)
        step()
        annotate(late=True)
        with span("late"):
            seen.append(current_request())

    def work() -> None:
        threads.append(Thread(target=late))
        threads[0].start()
        assert wrote.wait(10)

    threads: list[Thread] = []
    with session_at(path):
        asyncio.run(serve(work))
    go_on.set()
    threads[0].join()
    assert seen != [None]
    with SegmentFile(path) as segment:
        assert [segment.lane(number).state for number in range(2)] == [LaneState.OWNED] * 2


def test_a_request_of_an_earlier_session_writes_nothing_into_the_next() -> None:
    async def work() -> None:
        with captured() as later:
            step()
            annotate(a=1)
            with span("s"):
                pass
            await asyncio.to_thread(step)
        assert later.traces() == []
        step()

    trace = inside(work)
    assert outline(trace) == ["step"]


def test_a_thread_keeps_a_lane_in_each_session_it_writes_to() -> None:
    with captured() as outer:
        with span("one"):
            pass
        with captured() as inner, span("two"):
            pass
        with span("three"):
            pass
    assert [trace.root.name for trace in outer.traces()] == ["one", "three"]
    assert inner.trace().root.name == "two"


def test_sessions_made_and_dropped_leave_nothing_open(tmp_path: Path) -> None:
    def open_files() -> int:
        gc.collect()
        return len([*Path("/proc/self/fd").iterdir()])

    before = open_files()
    for number in range(20):
        session = _core.Session(str(tmp_path / f"{number}.seg"), **SMALL)
        if number % 2:
            session.close()
        del session
    assert open_files() == before


def test_starting_asks_the_starter_once_until_there_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[int] = []

    def starter() -> None:
        asked.append(1)

    _core.set_starter(starter)
    try:
        assert not _core.start()
        assert _core.begin_request(http(), b"x", True) is None
        assert asked == [1]
        _core.set_starter(starter)
        assert not _core.start()
        assert asked == [1, 1]
    finally:
        _core.set_starter(None)


def test_a_starter_that_fails_is_told_and_capture_stays_off() -> None:
    import sys

    told: list[Any] = []

    def starter() -> _core.Session:
        raise KeyError("no session")

    before, sys.unraisablehook = sys.unraisablehook, told.append
    try:
        _core.set_starter(starter)
        assert not _core.start()
        assert not _core.start()
    finally:
        sys.unraisablehook = before
        _core.set_starter(None)
    assert [type(each.exc_value) for each in told] == [KeyError]


def test_a_starter_may_itself_be_traced_code(path: Path) -> None:
    def starter() -> _core.Session:
        with span("within the starter"):
            assert not _core.start()
        return _core.Session(str(path), **SMALL)

    _core.set_starter(starter)
    try:
        assert _core.start()
        session = _core.get_session()
        assert session is not None
        assert session.statistics()["requests"] == 0
        _core.set_session(None)
        session.close()
    finally:
        _core.set_starter(None)


def test_an_exception_under_way_survives_the_beginning_of_a_session(path: Path) -> None:
    _core.set_starter(lambda: _core.Session(str(path), **SMALL))
    try:
        with pytest.raises(KeyError, match="under way"), span("first of all"):
            raise KeyError("under way")
    finally:
        session = _core.get_session()
        _core.set_starter(None)
        _core.set_session(None)
        assert session is not None
        session.close()


def test_a_definition_of_anything_is_refused_without_harm() -> None:
    assert _core.define_code("m", "q", "f", 1, 0) > 0
    assert _core.define_code("m" * 1000, "q" * 1000, "f" * 2000, 1, 3) > 0
    assert recorded(step).trace().request.complete
