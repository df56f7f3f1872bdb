"""The test kit: exact about what was recorded, and gone without a trace."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from scope import _core, annotate, mark, probe, span
from scope.model import EventType, SpanKind
from scope.testing import captured, read_segment
from tests.unit.core.inside import http, serve

pytestmark = pytest.mark.usefixtures("no_integrations")


@probe
def price(item: str) -> int:
    annotate(item=item)
    return 3


def test_a_request_is_read_back_whole() -> None:
    def work() -> None:
        with span("basket", items=2) as basket:
            price("tea")
            mark("priced")
            basket.annotate(total=6)

    with captured() as capture:
        asyncio.run(serve(work, http(path="/checkout", method="POST", headers=[(b"x-request-id", b"r-1")])))
    trace = capture.trace()
    assert (trace.request.id, trace.request.method, trace.request.path) == ("r-1", "POST", "/checkout")
    assert (trace.request.status, trace.request.state, trace.request.outcome) == (200, "done", "ok")
    assert (trace.request.spans, trace.request.lost, trace.request.complete) == (3, 0, True)
    assert trace.request.start_ns < trace.root.start_ns + 1_000_000
    (basket,) = trace.root.children
    assert (basket.name, dict(basket.attributes)) == ("basket", {"items": 2, "total": 6})
    assert [found.name for found in basket.marks] == ["priced"]
    (called,) = basket.children
    assert (called.name, called.kind, dict(called.attributes)) == ("price", SpanKind.FUNCTION, {"item": "tea"})


def test_it_can_be_looked_at_while_it_runs() -> None:
    states: list[str] = []
    with captured() as capture:

        def work() -> None:
            states.append(capture.trace().request.state)

        asyncio.run(serve(work))
        states.append(capture.trace().request.state)
    states.append(capture.trace().request.state)
    assert states == ["open", "done", "done"]


def test_the_only_trace_is_one_or_an_error() -> None:
    with captured() as capture:
        with pytest.raises(ValueError, match="0 traces were captured, not one"):
            capture.trace()
        for name in ("a", "b"):
            with span(name):
                pass
        with pytest.raises(ValueError, match=r"2 traces were captured, not one: \['a', 'b'\]"):
            capture.trace()


def test_events_are_those_of_the_wire() -> None:
    with captured() as capture, span("task"):
        price("tea")
    assert [event.type for event in capture.events()] == [
        EventType.LANE,
        EventType.REQUEST_BEGIN,
        EventType.FUNCTION_ENTER,
        EventType.ANNOTATION,
        EventType.FUNCTION_EXIT,
        EventType.REQUEST_END,
    ]


def test_what_does_not_fit_is_told() -> None:
    with captured(lane_bytes=1 << 15) as capture, span("long"):
        for _ in range(1000):
            annotate(text="x" * 200)
    assert capture.losses()["lapped"] > 0
    assert not any(trace.request.complete for trace in capture.traces())


def test_an_error_of_the_request_is_named() -> None:
    async def fail() -> None:
        raise KeyError("x")

    with captured() as capture, pytest.raises(KeyError):
        asyncio.run(serve(fail))
    request = capture.trace().request
    assert (request.error, request.outcome, request.status) == ("KeyError", "exception", 500)


def test_a_session_that_was_there_is_there_again(tmp_path: Path) -> None:
    session = _core.Session(str(tmp_path / "s.seg"))
    _core.set_session(session)
    with captured():
        assert _core.get_session() is not session
    assert _core.get_session() is session
    _core.set_session(None)
    session.close()


def test_nothing_is_left_behind_however_the_block_ends() -> None:
    own = f"scope-test-{os.getpid()}-"

    def everything() -> tuple[list[str], set[str], int, object]:
        files = [name for name in os.listdir("/dev/shm") if name.startswith(own)]  # noqa: PTH208
        threads = {thread.name for thread in threading.enumerate()}
        return files, threads, len(os.listdir("/proc/self/fd")), _core.get_session()  # noqa: PTH208

    before = everything()
    with pytest.raises(KeyError), captured(), span("a"):
        raise KeyError
    with pytest.raises(ValueError, match="power of two"), captured(lane_bytes=5):
        pass
    assert everything() == before


def test_another_processes_segment_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "s.seg"
    session = _core.Session(str(path), resource={"service.name": "shop"})
    _core.set_session(session)
    with span("job"):
        pass
    _core.set_session(None)
    session.close()
    before = path.read_bytes()
    capture = read_segment(str(path))
    assert (capture.trace().root.name, capture.trace().request.service) == ("job", "shop")
    assert path.read_bytes() == before
    with pytest.raises(FileNotFoundError):
        read_segment(str(tmp_path / "nowhere"))


def test_a_late_record_without_its_request_is_shown_as_open() -> None:
    """Its beginning was overwritten; what is left says so."""
    with captured(lane_bytes=1 << 15) as capture:

        def work() -> None:
            for _ in range(1000):
                annotate(text="x" * 200)

        asyncio.run(serve(work))
    (trace,) = capture.traces()
    assert trace.request.kind == "unknown"
    assert not trace.request.complete
