"""Workers that are killed, stopped, recycled or orphaned: what the store has of their requests."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scope.config import load
from scope.store import Reader
from scope.views.collector_status import read_status
from scope.views.workers import replaced
from tests.support.gates import Gates
from tests.support.load import loaded
from tests.support.servers import collector, scope, server
from tests.support.stored import event_types, span_names, stored, trace_of, when_stored
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from scope.model import RequestSummary
    from scope.store import Worker


RECYCLE = ["--limit-max-requests", "20"]


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path / "gates")


def segments() -> set[int]:
    """The pids of which there are segments."""
    return {int(path.name.partition("-")[0]) for path in Path(load().segment.dir).glob("*.seg")}


def check_aborted(victim: RequestSummary, pid: int) -> None:
    """It is there up to its last event, with its open spans and what was annotated."""
    assert (victim.state, victim.pid, victim.complete, victim.lost) == ("aborted", pid, False, 0)
    assert victim.status is None
    assert event_types(victim) == ["REQUEST_BEGIN", "SPAN_BEGIN", "ANNOTATION", "SPAN_BEGIN"]
    assert span_names(victim) == {"outer": "cancelled", "inner": "cancelled"}
    [outer] = trace_of(victim).root.children
    assert outer.attributes == {"note": "before the gate"}


def test_a_killed_worker_s_open_request_is_stored_up_to_its_last_event(tmp_path: Path, gates: Gates) -> None:
    with collector(tmp_path), server(tmp_path, workers=2, settings=gates.environment) as running:
        victim = running.ask("/hold/here", "victim")
        pid = gates.reached("here")
        when_stored("victim", lambda each: each.spans == 3)
        with loaded(running.port) as load_:
            load_.wait_for(50)
            os.kill(pid, signal.SIGKILL)
            load_.wait_for(50)
        assert victim.answer() is None
        check_aborted(when_stored("victim", lambda each: each.state == "aborted"), pid)
        eventually(lambda: pid not in segments())
    done = stored()
    assert done.keys() >= load_.answered
    assert all(done[each].complete for each in load_.answered)


def test_the_life_of_each_worker_is_told(tmp_path: Path, gates: Gates) -> None:
    """One is killed and replaced; the others are shut down with the server."""

    def workers() -> dict[int, Worker]:
        with Reader(load().store_dir) as reader:
            return {each.pid: each for each in reader.workers()}

    with collector(tmp_path):
        with server(tmp_path, workers=2, settings=gates.environment) as running:
            victim = running.ask("/hold/here", "victim")
            pid = gates.reached("here")
            eventually(lambda: len(workers()) == 2)
            os.kill(pid, signal.SIGKILL)
            assert victim.answer() is None
            eventually(lambda: len(workers()) == 3 and workers()[pid].state == "died")
            found = workers()
            assert {new.pid: old.pid for new, old in replaced([*found.values()]).items()} == {max(found): pid}
            running.stop()
        eventually(lambda: all(each.state == "ended" for each in workers().values() if each.pid != pid))
    assert f"process {pid} died within" in scope("show", "victim")


def test_a_worker_that_was_killed_while_nobody_collected_is_found_by_the_next_collector(
    tmp_path: Path, gates: Gates
) -> None:
    with server(tmp_path, settings=gates.environment) as running:
        running.get("/hello/you", "before")
        victim = running.ask("/hold/here", "victim")
        pid = gates.reached("here")
        running.kill()
        assert victim.answer() is None
    scope("collect", "--once")
    check_aborted(stored()["victim"], pid)
    assert stored()["before"].complete
    assert segments() == set()


def test_a_frozen_worker_is_not_dead_and_its_open_requests_are_in_sight(tmp_path: Path, gates: Gates) -> None:
    with collector(tmp_path), server(tmp_path, settings=gates.environment) as running:
        held = running.ask("/hold/here", "held")
        pid = gates.reached("here")
        when_stored("held", lambda each: each.spans == 3)
        os.kill(pid, signal.SIGSTOP)
        since = read_status(load())
        assert since is not None
        # Written while nothing happens, every few seconds; whether owners live is looked at much more often.
        eventually(lambda: (now := read_status(load())) is not None and now.updated_ns > since.updated_ns)
        [seen] = [each for each in json.loads(scope("inflight", "--json")) if each["id"] == "held"]
        assert (seen["pid"], seen["state"], seen["path"]) == (pid, "open", ["GET /hold/here", "outer", "inner"])
        listed = json.loads(scope("ls", "--json", "-f", "state:open kind:http"))
        assert [each["id"] for each in listed] == ["held"]
        os.kill(pid, signal.SIGCONT)
        gates.open("here")
        answer = held.answer()
        assert answer is not None
        assert answer.body == "held"
        assert when_stored("held", lambda each: each.state == "done").complete


def test_every_request_of_recycled_workers_is_stored_and_their_segments_are_gone(tmp_path: Path) -> None:
    """As in production, where workers are replaced after so many requests."""
    with collector(tmp_path), server(tmp_path, workers=2, options=RECYCLE) as running:
        with loaded(running.port) as load:
            eventually(lambda: running.output().count("Started server process") > 3)
        eventually(lambda: segments() <= set(running.workers()))
        assert running.stop() == 0
    done = stored()
    assert done.keys() >= load.answered
    assert all(each.complete for each in done.values())
    assert segments() == set()


def test_without_a_collector_the_segments_of_recycled_workers_are_bounded(tmp_path: Path) -> None:
    """The oldest go first; the last requests are there when somebody collects."""
    most = 3 << 20
    for number in range(5):
        settings = {"SCOPE_SEGMENT_LEFTOVERS_BYTES": str(most)}
        with server(tmp_path, options=RECYCLE, settings=settings, name=f"server-{number}") as running:
            for each in range(20):
                running.get("/hello/you", f"{number}-{each}")
            running.process.wait()
    taken = sorted(path.stat().st_blocks * 512 for path in Path(load().segment.dir).iterdir())
    assert sum(taken[:-1]) <= most, "of those that were there when the last one began"
    scope("collect", "--once")
    done = stored()
    assert len(done) == 20 * len(taken)
    assert done.keys() >= {f"4-{each}" for each in range(20)}
    assert all(each.complete for each in done.values())


def test_a_worker_that_outlives_its_parent_is_collected_from(tmp_path: Path) -> None:
    with collector(tmp_path), server(tmp_path, workers=2) as running:
        workers = running.workers()
        os.kill(running.pid, signal.SIGKILL)
        running.process.wait()
        running.get("/hello/you", "orphan")
        assert when_stored("orphan").pid in workers


def test_a_server_that_is_terminated_loses_nothing(tmp_path: Path, gates: Gates) -> None:
    """Uvicorn ends itself by the signal that stopped it, without the interpreter's usual end."""
    with collector(tmp_path), server(tmp_path, settings=gates.environment) as running:
        held = running.ask("/hold/here", "held")
        gates.reached("here")
        with loaded(running.port) as load:
            load.wait_for(50)
        running.process.terminate()
        eventually(lambda: "Waiting for" in running.output())
        gates.open("here")
        assert held.answer() is not None
        assert running.process.wait() == -signal.SIGTERM
    done = stored("http", "lifespan")
    assert done.keys() >= load.answered | {"held"}
    assert all(each.complete for each in done.values())
    assert [each.state for each in done.values() if each.kind == "lifespan"] == ["done"]
