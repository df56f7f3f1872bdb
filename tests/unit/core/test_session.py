"""The session of a process: its file, its lanes, and that it goes without harm to whoever still holds a part of it."""

from __future__ import annotations

import asyncio
import gc
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scope import Thread, _core, annotate, current_request, probe, span
from scope.model import Definition, DefinitionKind, EventType
from scope.testing import captured
from scope.wire.definitions import decode_definition
from scope.wire.lane import LaneState
from scope.wire.segment import SegmentFile

from .inside import http, inside, outline, recorded, serve

pytestmark = pytest.mark.usefixtures("no_integrations")

SMALL: dict[str, Any] = {"lanes": 2, "first_lane_bytes": 32768, "lane_bytes": 32768, "definitions_bytes": 4096}


@probe
def step() -> None:
    """Something that happens."""


@contextmanager
def session_at(path: Path, **sizes: Any) -> Iterator[_core.Session]:
    """A session that is this process's for the time of the block."""
    session = _core.Session(str(path), **sizes)
    _core.set_session(session)
    try:
        yield session
    finally:
        _core.set_session(None)
        session.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.seg"


# --- the file --------------------------------------------------------------------------------------------------------


def test_the_file_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with session_at(path):
            status = path.stat()
    finally:
        os.umask(before)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_uid == os.geteuid()


def test_the_file_stays_for_the_collector(path: Path) -> None:
    with session_at(path), span("left behind"):
        pass
    segment = _core.Segment(str(path))
    assert segment.pid == os.getpid()
    assert segment.alive()
    segment.close()


@pytest.mark.parametrize("there", ["file", "link", "dangling link", "directory"])
def test_nothing_that_is_there_is_opened_or_followed(there: str, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    if there == "file":
        path.write_text("mine")
    elif there == "directory":
        path.mkdir()
    else:
        path.symlink_to(target)
    if there == "link":
        target.write_text("mine")
    with pytest.raises(FileExistsError, match=r"s\.seg"):
        _core.Session(str(path))
    assert there != "file" or path.read_text() == "mine"
    assert target.exists() == (there == "link")


def test_no_file_is_left_where_none_can_be_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        _core.Session(str(tmp_path / "nowhere" / "s.seg"))
    with pytest.raises(ValueError, match="embedded null"):
        _core.Session(str(tmp_path / "a\0b"))
    with pytest.raises(TypeError):
        _core.Session(b"bytes")  # type: ignore[arg-type]
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("sizes", "fault"),
    [
        ({"lanes": 0}, "number of lanes"),
        ({"lanes": 1025}, "number of lanes"),
        ({"lanes": -1}, "number of lanes"),
        ({"block_bytes": 8192}, "block size"),
        ({"block_bytes": 131072}, "block size"),
        ({"block_bytes": 20000}, "block size"),
        ({"first_lane_bytes": 16384}, "fewer than two blocks"),
        ({"lane_bytes": 49152}, "not a power of two"),
        ({"lane_bytes": 1 << 27}, "larger than 64 MiB"),
        ({"definitions_bytes": 0}, "definitions' size"),
        ({"definitions_bytes": 5000}, "definitions' size"),
        ({"definitions_bytes": 1 << 27}, "definitions' size"),
        ({"policy": 3}, "policy is unknown"),
    ],
    ids=str,
)
def test_sizes_out_of_range_are_refused_with_the_reason(sizes: dict[str, int], fault: str, path: Path) -> None:
    with pytest.raises(ValueError, match=fault):
        _core.Session(str(path), **sizes)  # type: ignore[arg-type]
    assert not path.exists()


def test_what_both_ends_of_the_wire_say_of_a_new_segment_agrees(path: Path) -> None:
    with session_at(path, **SMALL, block_bytes=16384, policy=1) as session, SegmentFile(path) as plain:
        native = _core.Segment(str(path))
        assert (native.uuid, native.pid) == (session.uuid, os.getpid())
        assert plain.header.uuid.hex == session.uuid
        assert (plain.header.lanes, plain.header.policy) == (2, "discard-newest")
        monotonic_ns, boottime_ns, realtime_ns = native.clocks
        assert 0 < monotonic_ns <= boottime_ns < realtime_ns
        assert native.start_ticks > 0
        native.close()


def test_a_session_tells_where_it_is_and_what_it_did(path: Path) -> None:
    with session_at(path, resource={"service.name": "shop"}) as session:
        before = session.statistics()
        asyncio.run(serve(step))
        after = session.statistics()
        assert session.path == str(path)
        assert session.control == 0
    assert (before["requests"], after["requests"]) == (0, 1)
    assert before["lost"] == after["lost"]
    assert after["bytes"] > before["bytes"]
    assert after["lanes"] == 1


def test_the_collectors_control_word_is_seen(path: Path) -> None:
    with session_at(path) as session:
        segment = _core.Segment(str(path))
        segment.set_control(7 | 1 << 40)
        assert session.control == 7 | 1 << 40
        segment.close()


def test_the_resource_is_the_first_definition(path: Path) -> None:
    with session_at(path, resource={"service.name": "shop", "process.pid": 3, "odd": object()}):
        first = definitions(path)[0]
    assert first.kind is DefinitionKind.RESOURCE
    assert (first.attributes["service.name"], first.attributes["process.pid"]) == ("shop", 3)


@pytest.mark.parametrize("resource", [None, 3, [], {}], ids=repr)
def test_a_resource_that_is_none_is_an_empty_one(resource: Any, path: Path) -> None:
    with session_at(path, resource=resource):
        assert definitions(path)[0].attributes == {}


def definitions(path: Path) -> list[Definition]:
    with SegmentFile(path) as segment:
        return [decode_definition(entry) for entry in segment.definitions()]


# --- definitions -----------------------------------------------------------------------------------------------------


def test_a_name_is_defined_once_however_often_it_is_used(path: Path) -> None:
    def work() -> None:
        for _ in range(5):
            with span("repeated"):
                pass

    with session_at(path):
        asyncio.run(serve(work))
        named = [each.name for each in definitions(path)]
    assert named.count("repeated") == 1


def test_a_function_is_placed_by_its_code(path: Path) -> None:
    with session_at(path):
        asyncio.run(serve(step))
        (found,) = (each for each in definitions(path) if each.kind is DefinitionKind.CODE)
    assert (found.name, found.module, found.line) == ("step", __name__, step.__wrapped__.__code__.co_firstlineno)  # type: ignore[attr-defined]
    assert found.file.endswith("test_session.py")


def test_names_go_into_the_records_where_definitions_are_full(path: Path) -> None:
    names = [f"a rather long name of a span, number {number}" for number in range(200)]

    def work() -> None:
        for name in names:
            with span(name):
                pass

    with session_at(path, **{**SMALL, "first_lane_bytes": 65536}):
        asyncio.run(serve(work))
        reader = _core.Segment(str(path))
        assert reader.losses()["definitions_full"] > 0
        reader.close()
        defined = [each.name for each in definitions(path)]
        with SegmentFile(path) as segment:
            spans = [event for event in segment.read(0).events() if event.type.name == "SPAN_BEGIN"]
    assert [event.payload["name"] or defined[event.site - 1] for event in spans] == names


# --- lanes -----------------------------------------------------------------------------------------------------------


def run_in_threads(count: int, work: Callable[[], None]) -> None:
    """``count`` threads, each alive until all have done their work."""
    barrier = threading.Barrier(count)

    def body() -> None:
        work()
        barrier.wait(10)

    threads = [Thread(target=body) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_that_come_and_go_share_lanes() -> None:
    def work() -> None:
        for number in range(200):
            thread = Thread(target=annotate, kwargs={f"name {number}": number})
            thread.start()
            thread.join()

    with captured(lanes=8) as capture:  # a thread can be joined a moment before it gives its lane back
        asyncio.run(serve(work))
        session = _core.get_session()
        assert session is not None
        deadline = time.monotonic() + 5
        while session.statistics()["lanes"] > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert session.statistics()["lanes"] == 1  # the main thread's: the others are given back
    trace = capture.trace()
    assert trace.request.lost == 0
    assert {f"name {number}" for number in range(200)} <= trace.root.attributes.keys()


def test_each_lane_tells_whose_events_follow() -> None:
    def work() -> None:
        for name in ("first", "second"):
            thread = Thread(target=step, name=name)
            thread.start()
            thread.join()

    trace = inside(work)
    assert [span.thread for _, span in trace.spans()] == ["MainThread", "first", "second"]


def test_threads_beyond_the_lanes_lose_their_events_and_that_is_counted() -> None:
    with captured(lanes=3) as capture:
        asyncio.run(serve(lambda: run_in_threads(10, step)))
    trace = capture.trace()
    assert len(outline(trace)) == 2
    assert capture.losses()["no_lane"] == 8 * 2
    assert trace.request.lost == 16
    assert not trace.request.complete


def gone(thread: threading.Thread) -> None:
    """Wait for the end of the system's thread, which gives the lane back; Python calls it ended a moment before."""
    while Path(f"/proc/self/task/{thread.native_id}").exists():
        time.sleep(0.001)


def test_a_thread_that_found_no_lane_gets_one_when_it_is_free() -> None:
    """It asks again after a while."""

    def work() -> None:
        busy, done = threading.Event(), threading.Event()

        def hold() -> None:
            step()
            busy.set()
            assert done.wait(10)

        holder = Thread(target=hold)
        holder.start()
        assert busy.wait(10)

        def late() -> None:
            step()
            done.set()
            holder.join()
            gone(holder)
            for _ in range(1100):
                step()

        thread = Thread(target=late)
        thread.start()
        thread.join()

    with captured(lanes=2) as capture:
        asyncio.run(serve(work))
    assert 1 < capture.losses()["no_lane"] <= 2 * 1100
    assert len(outline(capture.trace())) > 2


@pytest.mark.parametrize("discard_newest", [False, True])
def test_a_full_ring_loses_the_oldest_or_the_newest_and_counts_exactly(discard_newest: bool) -> None:
    def work() -> None:
        for number in range(2000):
            annotate(number=number)

    with captured(lane_bytes=32768, discard_newest=discard_newest) as capture:
        asyncio.run(serve(work))
    events = [event for event in capture.events() if event.type >= EventType.REQUEST_BEGIN]
    numbers = [event.payload["attributes"] for event in events if event.type is EventType.ANNOTATION]
    lost = sum(capture.losses().values())
    assert len(events) + lost == 2000 + 4  # the request's begin and end, the response's start and end
    assert capture.losses()["full" if discard_newest else "lapped"] == lost > 0
    assert ({"number": 0} in numbers, {"number": 1999} in numbers) == (discard_newest, not discard_newest)
    assert not capture.trace().request.complete


def test_a_loss_that_nothing_follows_is_told_as_well() -> None:
    """The thread that lost it ends, and its lane is never written again."""

    def much() -> None:
        for number in range(2000):
            annotate(number=number)

    def work() -> None:
        thread = Thread(target=much)
        thread.start()
        thread.join()

    with captured(lane_bytes=32768, discard_newest=True) as capture:
        asyncio.run(serve(work))
    (trace,) = capture.traces()
    assert trace.request.lost == capture.losses()["full"] > 0
    assert not trace.request.complete


# --- the end ---------------------------------------------------------------------------------------------------------


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
