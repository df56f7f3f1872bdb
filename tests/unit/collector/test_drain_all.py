"""The end of a collector: what is left is stored, or left to the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.collector.collector import RETRY_S, Collector
from scope.store import StoreFull
from tests.unit.collector.kit import Clock, FaultyWriter, Process, process, settings, stored
from tests.unit.collector.status_file import status

if TYPE_CHECKING:
    pass


def test_draining_all_stores_everything_and_buries_the_dead(collector: Collector, traced: Process) -> None:
    traced.request("a")
    traced.begin("b")
    traced.die()
    with process("two.seg") as other:
        other.begin("c")
        collector.drain_all()
        assert {name: each.state for name, each in stored().items()} == {"a": "done", "b": "aborted", "c": "open"}
        assert not traced.path.exists()
        assert other.path.exists()


def test_draining_all_stores_what_was_refused_and_what_came_after_it(
    collector: Collector, traced: Process, writer: FaultyWriter
) -> None:
    writer.refuses = {"commit"}
    traced.request("a")
    collector.cycle()
    traced.request("b")
    traced.die()
    writer.refuses = set()
    collector.drain_all()
    assert stored().keys() == {"a", "b"}
    assert not traced.path.exists()


def test_draining_all_for_so_long_leaves_the_rest_to_the_next_collector(
    writer: FaultyWriter, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    collector = Collector(settings(memory_bytes=8 << 20), writer, clock=clock)
    with process(lanes=4, first_lane_bytes=1 << 23) as traced:
        for number in range(8_000):
            traced.request(f"id-{number}")
        traced.die()
        collector.drain_all(most_s=-1)
        collector.close()
        some = len(stored())
        assert 0 < some < 8_000
        assert "the next collector goes on" in caplog.text
        with_the_rest = Collector(settings(), writer, clock=clock)
        with_the_rest.drain_all()
        with_the_rest.close()
        assert len(stored()) == 8_000


def test_losses_that_no_number_holds_end_nobody_s_collector(collector: Collector, traced: Process) -> None:
    collector.cycle()
    with traced.path.open("r+b") as file:
        file.seek(8192 + 128)
        file.write(b"\xff" * 64)
    traced.request("a")
    collector.cycle()
    assert collector.cycle() < RETRY_S or not collector.status.error
    assert stored()["a"].state == "done"


def test_draining_all_says_why_it_could_not(collector: Collector, traced: Process, writer: FaultyWriter) -> None:
    traced.request("a")
    writer.refuses = {"commit"}
    with pytest.raises(StoreFull):
        collector.drain_all()
    assert status()["error"] == "no room to commit"


def test_draining_all_of_many_dead_takes_as_many_commits_as_memory_wants(writer: FaultyWriter, clock: Clock) -> None:
    collector = Collector(settings(memory_bytes=8 << 20), writer, clock=clock)
    dead: list[Process] = []
    for number in range(3):
        with process(f"{number}.seg", first_lane_bytes=1 << 22) as traced:
            for each in range(2_500):
                traced.request(f"{number}-{each}")
            traced.die()
            dead.append(traced)
    collector.drain_all()
    assert len(stored()) == 7_500
    assert not any(each.path.exists() for each in dead)
    collector.close()


def test_the_next_collector_goes_on_where_the_last_one_stopped(
    collector: Collector, traced: Process, writer: FaultyWriter, clock: Clock
) -> None:
    traced.request("a")
    traced.begin("b")
    collector.cycle()
    collector.close()
    traced.work("b")
    traced.end("b")
    traced.request("c")
    following = Collector(settings(), writer, clock=clock)
    following.drain_all()
    assert {name: (each.state, each.spans, each.complete) for name, each in stored().items()} == {
        "a": ("done", 2, True),
        "b": ("done", 2, True),
        "c": ("done", 2, True),
    }
    assert [len(batch.finished) for batch in writer.batches[1:]] == [2]
    following.close()
