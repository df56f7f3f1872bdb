"""What the collector counts of its processes, what it tells them to leave out, and what it says of that."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from scope.collector.collector import MEASURE_NS, Collector
from scope.collector.costs import TYPICAL
from scope.collector.owner import Owner
from scope.config import Config, load
from scope.store import Writer
from scope.views.collector_status import read_status
from scope.wire.control import shed_level
from scope.wire.segment import SegmentFile
from tests.unit.collector.kit import Clock, Process, process, settings


class MeasuredCosts:
    """Costs that are measured as soon as somebody looks."""

    def __init__(self) -> None:
        self.rows = TYPICAL
        self.looks = 0

    def look(self, now_s: float) -> bool:
        del now_s
        self.looks += 1
        self.rows = ((0x24, 10**9, 0), (0x22, 10**9, 0))
        return self.looks == 1


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """CPU time of every process, in ns."""
    now = {"ns": 0}
    monkeypatch.setattr(Owner, "cpu_ns", lambda _: now["ns"])
    return now


def told(traced: Process) -> int:
    with SegmentFile(traced.path) as segment:
        return shed_level(segment.control)


def test_a_process_that_costs_too_much_is_told_to_leave_out_more_and_the_log_says_so(
    clock: Clock, used: dict[str, int], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = made(settings(), clock)
    detail = {"ns": 0}
    monkeypatch.setattr(collector, "_correlator", Counting(collector._correlator, detail))
    collector._governing._correlator = collector._correlator
    with process("one.seg") as one, caplog.at_level(logging.INFO, "scope.collector"):
        for _ in range(3):
            clock.advance(1.05)
            used["ns"] += 900_000_000
            detail["ns"] += 90_000_000
            collector.cycle()
        assert told(one) == 3
        assert "leave out functions that a request calls more than 1,000 times: tracing took 10.00 %" in caplog.text
        collector.drain_all()
        status = read_status(settings())
        assert status is not None
        assert [(each.level, round(each.share, 2)) for each in status.governed] == [(3, 0.1)]
        assert status.workers_cpu_ns == 1_800_000_000
        assert status.tracing_ns == 180_000_000
    collector.close()


def test_a_governor_that_is_switched_off_counts_and_tells_nothing(
    clock: Clock, used: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = load(overrides={**_given(settings()), "governor.enabled": False})
    collector = made(free, clock)
    detail = {"ns": 0}
    monkeypatch.setattr(collector, "_correlator", Counting(collector._correlator, detail))
    collector._governing._correlator = collector._correlator
    with process("one.seg") as one:
        for _ in range(6):
            clock.advance(1.05)
            used["ns"] += 900_000_000
            detail["ns"] += 90_000_000
            collector.cycle()
        assert told(one) == 0
        assert collector._governing.tracing_ns > 0
    collector.close()


def test_what_the_dead_have_used_still_counts(clock: Clock, used: dict[str, int]) -> None:
    collector = made(settings(), clock)
    with process("one.seg"):
        collector.cycle()
        used["ns"] += 500
        collector.cycle()
    for _ in range(3):
        clock.advance(1)
        collector.cycle()
    assert collector._governing.cpu_ns == 500
    collector.close()


def test_costs_are_measured_once_a_process_is_read_and_the_collector_is_not_just_begun(
    clock: Clock, used: dict[str, int]
) -> None:
    del used
    costs = MeasuredCosts()
    writer = Writer(Path(settings().store_dir), settings().store)
    collector = Collector(settings(), writer, clock=clock, costs=costs)  # type: ignore[arg-type]
    with process("one.seg") as one:
        collector.cycle()
        assert costs.looks == 0
        clock.advance(MEASURE_NS / 1e9)
        collector.cycle()
        assert costs.looks == 1
        one.request("a", marks=3)
        collector.cycle()  # reads them, after it has looked
        collector.cycle()
        assert collector._governing.tracing_ns == 3 * 10**6
    collector.close()
    writer.close()


def test_a_process_whose_clock_cannot_be_read_is_left_alone(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Owner, "cpu_ns", lambda _: None)
    collector = made(settings(), clock)
    with process("one.seg") as one:
        for _ in range(3):
            clock.advance(1)
            collector.cycle()
        assert told(one) == 0
        assert collector._governing.cpu_ns == 0
    collector.close()


class Counting:
    """A correlator that says of every process what a test wants."""

    def __init__(self, real: Any, detail: dict[str, int]) -> None:
        self._real = real
        self._detail = detail

    def costs(self, slot: int) -> tuple[int, int, int]:
        del slot
        return self._detail["ns"], self._detail["ns"], 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def made(config: Config, clock: Clock) -> Collector:
    return Collector(config, Writer(Path(config.store_dir), config.store), clock=clock)


def _given(config: Config) -> dict[str, object]:
    return {"dir": config.dir, "segment.dir": config.segment.dir}
