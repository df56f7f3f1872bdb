"""A lane for each thread, as far as there are any."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scope import Thread, _core, annotate
from scope.model import EventType
from scope.testing import captured
from tests.unit.core.inside import inside, outline, serve
from tests.unit.core.session.sessions import step

pytestmark = pytest.mark.usefixtures("no_integrations")


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
