"""The judge of a soak: it agrees where all is well, and notices each way in which it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from load_tests.proof import Findings
from load_tests.soak import archive
from load_tests.soak.ledger import Account
from load_tests.soak.oracle import Totals, compare_accounts, judge
from load_tests.soak.witness import Remains, Witness
from scope.collector.collector import Collector
from scope.config import load
from tests.unit.collector.kit import FaultyWriter, Process, process, settings, stored

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def collector() -> Iterator[Collector]:
    with FaultyWriter(settings()) as writer:
        made = Collector(settings(), writer)
        yield made
        made.close()


@pytest.fixture
def dead(collector: Collector) -> Iterator[tuple[Process, Remains]]:
    """A process that was killed, whose events are stored; and what it left."""
    with process(first_lane_bytes=1 << 16) as traced:
        with Witness(Path(load().segment.dir)) as witness:
            witness.look()
            assert witness.living() == [traced.owner]
            for number in range(20):
                traced.request(str(number), marks=50)
                collector.cycle()
            traced.die()
        (remains,) = witness.finals.values()
        assert remains.pid == traced.owner
        yield traced, remains


def judged(remains: Remains) -> tuple[Totals, list[str]]:
    findings = Findings()
    totals, _ = judge(Path(load().store_dir), {remains.uuid: remains}, findings)
    return totals, list(findings.counts)


def test_what_is_stored_agrees_with_what_was_committed(dead: tuple[Process, Remains]) -> None:
    """Also after the ring has gone round several times."""
    _, remains = dead
    totals, findings = judged(remains)
    assert findings == []
    assert totals.stored == totals.committed == sum(each.events for each in stored().values()) > 20 * 50
    assert (totals.requests, totals.torn, totals.duplicated, totals.missing) == (20, 0, 0, 0)


def test_an_event_more_or_less_is_noticed(dead: tuple[Process, Remains]) -> None:
    _, remains = dead
    first, *others = remains.lanes
    for by, finding in ((1, "missing"), (-1, "too many")):
        other = replace(remains, lanes=(replace(first, events=first.events + by), *others))
        totals, findings = judged(other)
        assert (totals.missing, findings) == (by, [finding])


def test_a_last_record_that_is_not_stored_is_noticed(dead: tuple[Process, Remains]) -> None:
    _, remains = dead
    first, *others = remains.lanes
    other = replace(remains, lanes=(replace(first, ending=first.ending | {b"torn"}), *others))
    assert judged(other)[1] == ["last records not stored"]


def test_a_count_that_the_store_has_not_is_noticed(dead: tuple[Process, Remains]) -> None:
    _, remains = dead
    assert judged(replace(remains, lost={**remains.lost, "no_lane": 3}))[1] == ["no_lane: another count"]


def test_events_of_a_process_that_nobody_saw_are_noticed(dead: tuple[Process, Remains]) -> None:
    _, remains = dead
    totals, findings = judged(replace(remains, uuid="0" * 32))
    assert totals.unknown == remains.events
    assert "a segment that nobody saw" in findings


@pytest.mark.parametrize(
    ("account", "finding"),
    [
        ((0, 0, 10, 10), "committed is not what was done"),
        ((0, 0, 1 << 20, 1 << 20), "committed is not what was done"),
        ((5, 5, 1 << 20, 0), "gaps beyond what is counted"),
    ],
)
def test_accounts_that_do_not_fit_are_noticed(
    dead: tuple[Process, Remains], account: tuple[int, int, int, int], finding: str
) -> None:
    _, remains = dead
    findings = Findings()
    _, found = judge(Path(load().store_dir), {remains.uuid: remains}, findings)
    counted = archive.losses(Path(load().store_dir)).get(remains.uuid, {})
    compare_accounts([Account(1, *account)], remains, found[remains.uuid], counted, findings)
    assert list(findings.counts) == [finding]


def test_requests_left_open_are_noticed(collector: Collector) -> None:
    with process() as traced:
        traced.begin("a")
        collector.cycle()
        findings = Findings()
        judge(Path(load().store_dir), {}, findings)
    assert set(findings.counts) == {"still open", "pieces left of open requests"}
