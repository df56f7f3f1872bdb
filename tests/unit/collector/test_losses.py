"""Losses are told of once: to the requests that they touched and to the store, whoever collects when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.collector.collector import Collector
from scope.store import Reader
from tests.unit.collector.kit import Clock, FaultyWriter, Process, process, settings, stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MUCH = 4000
"""Marks that a lane of 32 KiB has no room for."""


@pytest.fixture(params=["overwrite-oldest", "discard-newest"])
def full(request: pytest.FixtureRequest) -> Iterator[Process]:
    """A process whose lanes are soon full."""
    policy = ("overwrite-oldest", "discard-newest").index(request.param)
    with process(first_lane_bytes=32768, lane_bytes=32768, policy=policy) as made:
        yield made


def told() -> tuple[Mapping[str, int], Mapping[int, Mapping[str, int]]]:
    """What the store counts for the only process: by reason, and by lane."""
    with Reader(settings().store_dir) as reader:
        [segment] = reader.info().segments
    return {reason: lost for reason, lost in segment.lost.items() if lost}, segment.lanes


def collect_once() -> None:
    """A collector that is gone afterwards as if it had been killed."""
    with FaultyWriter(settings()) as writer:
        collector = Collector(settings(), writer, clock=Clock())
        collector.cycle()
        collector.close()


def test_what_one_collector_has_told_of_no_later_one_tells_again(full: Process) -> None:
    full.begin("a")
    collect_once()
    full.work("a", marks=MUCH)
    collect_once()
    first, lost = told(), stored()["a"].lost
    assert lost == sum(first[0].values()) > 0
    for _ in range(3):
        collect_once()
    assert (told(), stored()["a"].lost) == (first, lost)


def test_what_is_lost_while_nobody_collects_is_told_of_by_the_next(full: Process) -> None:
    """Also to the requests that an earlier one has met."""
    full.begin("a")
    collect_once()
    full.work("a", marks=MUCH)
    collect_once()
    before = stored()["a"].lost
    full.work("a", marks=2 * MUCH)
    collect_once()
    total = sum(told()[0].values())
    assert stored()["a"].lost == total > before > 0


def test_every_event_is_stored_or_lost_across_collectors(full: Process) -> None:
    rounds = 5
    full.begin("a")
    collect_once()
    for _ in range(rounds):
        full.work("a", marks=MUCH)
        collect_once()
    request, (lost, _) = stored()["a"], told()
    assert request.events + sum(lost.values()) == 1 + rounds * (MUCH + 2)
    assert request.lost == sum(lost.values())


def test_losses_are_kept_by_lane(full: Process) -> None:
    full.request("a", marks=MUCH)
    collect_once()
    lost, lanes = told()
    assert lanes == {0: lost}


def test_the_status_counts_what_was_lost_since_the_collector_began(full: Process) -> None:
    full.request("a", marks=MUCH)
    collect_once()
    with FaultyWriter(settings()) as writer:
        collector = Collector(settings(), writer, clock=Clock())
        collector.cycle()
        assert collector.status.lost == 0
        collector.close()
