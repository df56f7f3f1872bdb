"""When a traced process began and ended, and what it did outside requests: told once, whoever collects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from scope import _core
from scope._core import Segment, set_session
from scope.collector.collector import Collector
from scope.collector.lifetime import Lifetime
from scope.config import load
from scope.store import Reader
from tests.unit.collector.kit import SECOND_NS, Clock, FaultyWriter, Process, process
from tests.unit.collector.test_fleet import following

if TYPE_CHECKING:
    from scope.model import ProcessEvent


def pause(traced: Process) -> None:
    """Something that happens outside any request."""
    set_session(traced.session)
    _core.set_least(0, 0)
    _core.gc_pause("start", {})
    _core.gc_pause("stop", {"generation": 1, "collected": 2, "uncollectable": 0})
    _core.set_least(10_000_000, 1_000_000)
    set_session(None)


def events() -> list[ProcessEvent]:
    with Reader(load().store_dir) as reader:
        return reader.process_events(0, time.time_ns() + SECOND_NS)


def kinds() -> list[str]:
    return [event.kind for event in events()]


def test_the_start_of_a_process_is_that_of_the_system(collector: Collector) -> None:
    with process() as traced:
        collector.cycle()
        [start] = events()
        assert (start.kind, start.pid, start.service) == ("start", traced.owner, "shop")
        assert time.time_ns() - 600 * SECOND_NS < start.start_ns < time.time_ns()


def test_what_happens_outside_requests_is_stored_with_them(collector: Collector) -> None:
    with process() as traced:
        pause(traced)
        traced.request("a")
        collector.cycle()
        [_, event] = events()
        assert (event.kind, event.generation, event.collected) == ("gc", 1, 2)


def test_nothing_is_stored_twice_or_lost_when_the_collector_is_killed(
    collector: Collector, writer: FaultyWriter, clock: Clock
) -> None:
    with process() as traced:
        pause(traced)
        collector.cycle()
        pause(traced)
        writer.refuses = {"commit"}
        collector.cycle()
        writer.refuses = set()
        with following(writer, clock) as next_one:
            pause(traced)
            next_one.cycle()
            assert kinds() == ["start", "gc", "gc", "gc"]


def test_what_the_store_refused_is_stored_later(collector: Collector, writer: FaultyWriter) -> None:
    with process() as traced:
        writer.refuses = {"commit"}
        pause(traced)
        collector.cycle()
        writer.refuses = set()
        collector.cycle()
        assert kinds() == ["start", "gc"]


def test_an_exit_is_told_with_the_time_within_which_it_came(collector: Collector, clock: Clock) -> None:
    with process() as traced:
        traced.request("a")
        collector.cycle()
        alive_ns = time.time_ns()
        traced.die()
        dead_ns = time.time_ns()
        clock.advance(1)
        collector.cycle()
        collector.cycle()
        [_, gone] = events()
        assert gone.kind == "exit"
        assert gone.start_ns <= alive_ns + SECOND_NS // 10
        assert gone.end_ns >= dead_ns - SECOND_NS // 10


def test_an_exit_that_a_killed_collector_had_stored_is_not_told_again(
    collector: Collector, writer: FaultyWriter, clock: Clock
) -> None:
    with process() as traced:
        traced.request("a")
        traced.die()
        data = traced.path.read_bytes()
        collector.drain_all()
        before = events()
        traced.path.write_bytes(data)
        with following(writer, clock) as next_one:
            next_one.drain_all()
        assert [event.kind for event in before] == ["start", "exit"]
        assert events() == before


def test_one_that_died_before_anybody_looked_ended_after_its_last_event(collector: Collector) -> None:
    with process() as traced:
        traced.request("a")
        last_ns = time.time_ns()
        traced.die()
        collector.drain_all()
        [_, gone] = events()
        assert abs(gone.start_ns - last_ns) < SECOND_NS


@pytest.mark.parametrize("latest_ns", [-(1 << 60), 0, 1 << 62])
def test_a_latest_event_that_cannot_be_changes_nothing(collector: Collector, latest_ns: int) -> None:
    with process() as traced:
        traced.request("a")
        segment = Segment(str(traced.path))
        lifetime = Lifetime(segment)
        lifetime.take()
        lifetime.found_dead(latest_ns)
        [gone] = lifetime.take()
        assert segment.clocks[2] <= gone.start_ns <= gone.start_ns + gone.duration_ns <= time.time_ns() + SECOND_NS
        segment.close()
