"""What happened to processes outside requests: stored once, found by time, forgotten in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scope.model import ProcessEvent
from scope.store import Batch, Reader
from scope.store.ingest import retention
from scope.store.process_records import ProcessRecord
from tests.unit.store.kit import HOUR_NS, LOAD, START_NS, Settings, open_writer, summary

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def step(position: int, at_ns: int = 0, **fields: Any) -> ProcessRecord:
    return ProcessRecord(0, position, "step", START_NS + at_ns, 50, thread="MainThread", site=LOAD)._replace(**fields)


def found(directory: Path, since_ns: int = 0, until_ns: int = 24 * HOUR_NS, **which: Any) -> list[ProcessEvent]:
    with Reader(directory) as reader:
        return reader.process_events(START_NS + since_ns, START_NS + until_ns, **which)


def test_an_event_is_found_with_who_and_what_it_was(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(process={1: [step(8, waited_ns=7, left_over=1)]}))
    [event] = found(tmp_path)
    assert event == ProcessEvent(
        "step", 4711, "shop", START_NS, 50, 7, "MainThread", "load", "/srv/shop/items.py", 12, left_over=True
    )


def test_a_site_that_nothing_defines_has_no_name(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(process={1: [step(8, site=0), step(16, site=99), step(24, site=1 << 40)]}))
    assert [event.name for event in found(tmp_path)] == ["", "", ""]


def test_what_is_read_again_after_a_kill_is_stored_once(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(process={1: [step(8)], 2: [step(8)]}))
        writer.commit(Batch(finished=[summary(1)], process={1: [step(8), step(16)]}))
    assert len(found(tmp_path)) == 3


def test_they_are_given_by_time_and_within_it(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(process={1: [step(at, at) for at in (300, 100, 200, 0)]}))
    assert [event.start_ns - START_NS for event in found(tmp_path, 120, 300)] == [100, 200]
    assert [event.start_ns - START_NS for event in found(tmp_path, limit=2)] == [200, 300]


def test_beside_a_request_are_those_of_its_process(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1)], process={1: [step(8)], 2: [step(16)]}))
    with Reader(tmp_path) as reader:
        [request] = reader.requests()
    assert [event.pid for event in found(tmp_path, beside=request)] == [request.pid]


def test_they_are_kept_as_long_as_requests_are_with_the_process_they_are_of(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(retention_age_s=3600)) as writer:
        writer.commit(Batch(finished=[summary(1)], process={1: [step(8), step(16, HOUR_NS)]}))
        writer.drop_segment(1)
        writer.commit(Batch(finished=[summary(2, segment=2, start_ns=START_NS + HOUR_NS)]))
        assert writer.retain(START_NS + HOUR_NS + 1) == 0
        assert [event.start_ns for event in found(tmp_path)] == [START_NS + HOUR_NS]
        assert writer.retain(START_NS + 2 * HOUR_NS) == 1
        assert [event.pid for event in found(tmp_path)] == [4711]
        writer.retain(START_NS + 3 * HOUR_NS)
    assert found(tmp_path) == []


def test_the_start_of_a_process_that_lives_is_kept(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(retention_age_s=3600)) as writer:
        writer.commit(Batch(process={1: [step(0, kind="start")], 2: [step(0, kind="start")]}))
        writer.drop_segment(2)
        writer.retain(START_NS + 9 * HOUR_NS)
    assert [event.pid for event in found(tmp_path)] == [4711]


def test_no_more_than_a_bound_is_kept_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_PROCESS_EVENTS_KEPT", 3)
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(process={1: [step(at, at) for at in range(10)]}))
        writer.retain(START_NS)
    assert [event.start_ns - START_NS for event in found(tmp_path)] == [7, 8, 9]
