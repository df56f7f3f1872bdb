"""A store that takes nothing, and what the collector does meanwhile."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from scope.collector.collector import RETRY_S, Collector
from tests.unit.collector.kit import Clock, FaultyWriter, Process, process, settings, stored
from tests.unit.collector.status_file import status

if TYPE_CHECKING:
    pass


def test_what_the_store_refuses_is_stored_once_it_can_be(
    collector: Collector, traced: Process, writer: FaultyWriter
) -> None:
    writer.refuses = {"commit"}
    traced.begin("b")
    for number in range(3):
        traced.request(f"a-{number}")
        assert collector.cycle() == RETRY_S
    assert stored() == {}
    writer.refuses = set()
    traced.end("b")
    collector.cycle()
    collector.cycle()
    assert {name: each.complete for name, each in stored().items()} == dict.fromkeys(("a-0", "a-1", "a-2", "b"), True)
    assert collector.status.requests == 4


def test_the_refusal_is_in_the_status_until_the_store_takes_things_again_and_in_the_log_once(
    collector: Collector, traced: Process, writer: FaultyWriter, caplog: pytest.LogCaptureFixture
) -> None:
    writer.refuses = {"commit"}
    traced.request("a")
    for _ in range(3):
        collector.cycle()
        assert status()["error"] == "no room to commit"
    assert [record.levelno for record in caplog.records if "no room" in record.message] == [logging.WARNING]
    writer.refuses = set()
    collector.cycle()
    assert status()["error"] == ""


def test_a_store_that_refuses_ends_nobody_s_collector(
    collector: Collector, traced: Process, writer: FaultyWriter, clock: Clock
) -> None:
    """A process that lives is there, whether or not the store could be told of it."""
    writer.refuses = {"register"}
    for _ in range(20):
        clock.advance(1)
        collector.cycle()
    assert collector.idle_s() == 0
    writer.refuses = {"commit"}
    for _ in range(20):
        clock.advance(1)
        collector.cycle()
    assert collector.idle_s() == 0


def test_death_is_seen_though_the_store_refuses(
    collector: Collector, traced: Process, writer: FaultyWriter, clock: Clock
) -> None:
    traced.begin("a")
    collector.cycle()
    writer.refuses = {"commit", "register", "drop"}
    traced.die()
    for _ in range(20):
        clock.advance(1)
        collector.cycle()
    assert collector.idle_s() >= 19
    assert traced.path.exists()
    writer.refuses = set()
    collector.cycle()
    assert stored()["a"].state == "aborted"
    assert not traced.path.exists()


def test_a_process_that_died_before_the_store_took_it_up_keeps_no_collector(
    collector: Collector, traced: Process, writer: FaultyWriter, clock: Clock
) -> None:
    traced.die()
    writer.refuses = {"register"}
    for _ in range(20):
        clock.advance(1)
        collector.cycle()
    assert collector.idle_s() >= 19


def test_a_correlator_that_is_full_asks_for_a_commit_and_nothing_is_lost(writer: FaultyWriter, clock: Clock) -> None:
    collector = Collector(settings(memory_bytes=8 << 20), writer, clock=clock)
    with process(lanes=4, first_lane_bytes=1 << 22) as traced:
        collector.cycle()
        writer.refuses = {"commit"}
        for number in range(8_000):
            traced.request(f"id-{number}")
            if number % 2_000 == 0:
                collector.drain()
        assert not collector.drain()
        writer.refuses = set()
        for _ in range(50):
            collector.cycle()
        assert len(stored()) == 8_000
        assert all(each.complete for each in stored().values())
    collector.close()


def test_removing_old_slices_is_tried_again_soon_where_it_failed(
    collector: Collector, writer: FaultyWriter, clock: Clock
) -> None:
    clock.advance(60)
    writer.refuses = {"retain"}
    assert collector.cycle() == RETRY_S
    assert status()["error"] == "no room to retain"
    writer.refuses = set()
    collector.cycle()
    assert writer.asked.count("retain") == 2
    assert status()["error"] == ""
