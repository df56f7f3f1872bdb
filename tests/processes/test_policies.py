"""What servers do whose lanes are full, by the policy, while their collector stands still."""

from __future__ import annotations

import signal
from pathlib import Path

from scope.config import load
from scope.store import Reader
from scope.wire.segment import SegmentFile
from tests.support.servers import attempt, collector, scope, server
from tests.support.stored import stored, when_stored
from tests.support.waiting import eventually

BLOCK = {
    "SCOPE_SEGMENT_OVERFLOW": "block",
    "SCOPE_SEGMENT_BLOCK_MS": "60s",
    "SCOPE_SEGMENT_LANE_BYTES": "32KiB",
    "SCOPE_SEGMENT_FIRST_LANE_BYTES": "32KiB",
}
MARKS = 20_000


def segment() -> SegmentFile:
    """The server's."""
    [path] = Path(load().segment.dir).iterdir()
    return SegmentFile(path)


def is_waiting() -> bool:
    with segment() as found:
        return any(found.lane(number).waiting for number in range(4))


def losses() -> dict[str, int]:
    with Reader(load().store_dir) as reader:
        [found] = reader.info().segments
    return {reason: lost for reason, lost in found.lost.items() if lost}


def test_a_worker_thread_waits_for_a_stopped_collector_while_the_event_loop_goes_on(tmp_path: Path) -> None:
    with collector(tmp_path) as stopped, server(tmp_path, settings=BLOCK) as running:
        eventually(lambda: "reading" in stopped.output())
        stopped.process.send_signal(signal.SIGSTOP)
        waiting = running.ask(f"/threaded/{MARKS}", "waiting")
        eventually(is_waiting)
        for number in range(10):
            assert running.get("/hello/you", f"meanwhile-{number}").status == 200
        assert is_waiting()
        stopped.process.send_signal(signal.SIGCONT)
        assert waiting.answer() is not None
        found = when_stored("waiting", lambda request: request.state == "done")
        assert found.complete
        assert found.events > MARKS
        assert {request.state for request in stored().values()} == {"done"}
        assert losses() == {}


def test_an_event_loop_that_finds_its_lane_full_loses_events_and_does_not_wait(tmp_path: Path) -> None:
    with server(tmp_path, settings=BLOCK) as running:
        for number in range(300):
            assert running.get("/hello/you", str(number)).status == 200
        with segment() as found:
            lost = found.lane(0).losses
        assert [number for number, events in enumerate(lost) if events] == [1]


def test_the_policy_is_changed_in_running_workers_and_in_those_that_come_later(tmp_path: Path) -> None:
    small = {name: value for name, value in BLOCK.items() if name != "SCOPE_SEGMENT_OVERFLOW"}
    with collector(tmp_path), server(tmp_path, workers=2, settings=small):
        assert scope("set", "segment.overflow=block") == "segment.overflow = block: block in 2 processes\n"
        with server(tmp_path, settings=small, name="later"):
            said = eventually(lambda: (found := scope("set")).endswith("block in 3 processes\n") and found)
            assert said == "segment.overflow = block: block in 3 processes\n"
        assert "overwrite-oldest in 2 processes" in scope("set", "segment.overflow=default")


def test_a_thread_that_waits_goes_on_when_the_policy_is_changed(tmp_path: Path) -> None:
    with collector(tmp_path) as stopped, server(tmp_path, settings=BLOCK) as running:
        eventually(lambda: "reading" in stopped.output())
        stopped.process.send_signal(signal.SIGSTOP)
        waiting = running.ask(f"/threaded/{MARKS}", "waiting")
        eventually(is_waiting)
        assert attempt("set", "segment.overflow=overwrite-oldest").returncode == 1, "nobody to carry it out"
        assert is_waiting()
        stopped.process.send_signal(signal.SIGCONT)
        assert waiting.answer() is not None
        assert "overwrite-oldest in 1 process" in scope("set")
