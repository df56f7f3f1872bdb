"""What the collector promises, on real segments and a real store, in a time that stands still."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from scope.collector.collector import Collector
from scope.config import load
from scope.model import Event, EventType
from scope.store import Reader, StoreFull
from scope.wire.decode import decode_records
from scope.wire.lane import parse_lane_control
from tests.unit.collector.kit import Clock, FaultyWriter, Process, process, settings, stored
from tests.unit.wire.segment_builder import LaneWriter, build_segment

if TYPE_CHECKING:
    pass


# --- storing ---------------------------------------------------------------------------------------------------------


def test_a_finished_request_is_stored_in_the_next_cycle(collector: Collector, traced: Process) -> None:
    traced.request("a")
    assert collector.cycle() == load().collector.commit_ms / 1000
    assert stored()["a"].state == "done"
    assert stored()["a"].complete


def test_an_open_request_is_visible_and_grows_while_it_runs(collector: Collector, traced: Process) -> None:
    traced.begin("a")
    collector.cycle()
    assert (stored()["a"].state, stored()["a"].spans) == ("open", 1)
    traced.work("a", marks=3)
    collector.cycle()
    assert (stored()["a"].state, stored()["a"].spans) == ("open", 2)
    traced.end("a")
    collector.cycle()
    found = stored()["a"]
    assert (found.state, found.spans, found.events, found.complete) == ("done", 2, 7, True)
    with Reader(load().store_dir) as reader:
        [work] = reader.trace(found).root.children
    assert len(work.marks) == 3


def test_a_long_request_is_put_together_from_its_pieces(collector: Collector) -> None:
    """Though it is never whole in the memory of the collector."""
    with process(first_lane_bytes=1 << 20) as traced:
        traced.begin("a")
        for _ in range(4):
            traced.work("a", marks=5_000)
            collector.cycle()
        traced.end("a")
        collector.cycle()
    found = stored()["a"]
    with Reader(load().store_dir) as reader:
        spans = reader.trace(found).root.children
        times = [event.time_ns for event in decode_records(reader.blob(found)) if event.type >= EventType.REQUEST_BEGIN]
    assert (found.complete, found.events) == (True, len(times))
    assert [len(span.marks) for span in spans] == [5_000] * 4
    assert times == sorted(times)


def test_nothing_new_is_not_stored_again(collector: Collector, traced: Process, writer: FaultyWriter) -> None:
    traced.begin("a")
    for _ in range(3):
        collector.cycle()
    assert writer.asked.count("commit") == 1


def test_many_requests_go_to_the_store_in_batches_of_bounded_size(
    collector: Collector, writer: FaultyWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tuples they take several times the memory; a store that was stuck would make the collector swell."""
    monkeypatch.setattr("scope.collector.round.LARGEST", 500)
    with process(first_lane_bytes=1 << 22) as traced:
        for number in range(501):
            traced.request(f"id-{number}")
        collector.cycle()
        assert [len(batch.finished) for batch in writer.batches] == [500, 1]
        assert len(stored()) == 501


def test_the_processes_of_a_round_are_stored_one_by_one(
    collector: Collector, writer: FaultyWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its positions, so that of none a part is stored twice or counted as lost after a kill."""
    monkeypatch.setattr("scope.collector.round.MOST", 2)
    monkeypatch.setattr("scope.collector.round.LARGEST", 3)
    with process("a.seg") as one, process("b.seg") as other:
        for traced in (one, other):
            for number in range(3):
                traced.request(f"{traced.path.name}-{number}")
        collector.cycle()
        found = [({row[0] for row in batch.finished}, set(batch.heads)) for batch in writer.batches]
        assert [len(batch.finished) for batch in writer.batches] == [3, 3]
        assert all(segments == heads and len(heads) == 1 for segments, heads in found)


def test_what_finishes_while_a_round_is_stored_is_stored_with_the_next(
    collector: Collector, writer: FaultyWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scope.collector.round.LARGEST", 2)
    with process() as traced:
        collector.cycle()

        def finish_meanwhile() -> None:
            traced.request(f"late-{len(stored())}")
            collector._fleet.drain()

        for _ in range(2):
            writer.batches.clear()
            for number in range(3):
                traced.request(f"{len(stored())}-{number}")
            writer.meanwhile = finish_meanwhile
            collector.commit()
            assert [len(batch.finished) for batch in writer.batches] == [2, 1]
            collector.commit()
            assert [len(batch.finished) for batch in writer.batches] == [2, 1, 1]


def test_writers_learn_of_a_position_only_once_everything_before_it_is_stored(
    collector: Collector, traced: Process, writer: FaultyWriter
) -> None:
    traced.request("a")
    writer.refuses = {"commit"}
    collector.cycle()
    assert published(traced) == 0
    writer.refuses = set()
    collector.cycle()
    assert published(traced) > 0


def published(traced: Process) -> int:
    """The head in the control of the first lane."""
    data = traced.path.read_bytes()
    return parse_lane_control(data[2 * 4096 : 2 * 4096 + 512]).head


def test_events_that_come_late_are_added_to_their_request(collector: Collector, traced: Process) -> None:
    """A thread may outlive the request that it works for."""
    traced.begin("a")
    work = traced.late("a")
    traced.end("a")
    collector.cycle()
    assert stored()["a"].spans == 1
    work()
    collector.cycle()
    assert (len(stored()), stored()["a"].spans, stored()["a"].state) == (1, 2, "done")


def test_a_beginning_that_is_read_after_what_it_caused_still_begins_its_request(
    collector: Collector,
) -> None:
    """The loop's lane is read; then a request begins on it, a thread writes for the request, and that lane is read."""
    loop, thread = LaneWriter(), LaneWriter()
    thread.write(Event(EventType.SPAN_BEGIN, 2_000, 1, 2, 1, payload={"name": "in a thread"}))
    write(loop, thread)
    collector._fleet.scan()
    drain = collector._fleet.drain

    def drain_too_early() -> tuple[int, bool]:
        collector._fleet.drain = drain  # type: ignore[method-assign]
        found = drain()
        loop.write(Event(EventType.REQUEST_BEGIN, 1_000, 1, 1, payload=BEGIN))
        write(loop, thread)
        return found

    collector._fleet.drain = drain_too_early  # type: ignore[method-assign]
    collector.commit()
    assert [(each.path, each.state) for each in stored().values()] == [("/a", "open")]
    thread.write(Event(EventType.SPAN_END, 3_000, 1, 2, 1))
    loop.write(Event(EventType.REQUEST_END, 4_000, 1, 1))
    write(loop, thread)
    collector.commit()
    assert [(each.path, each.spans, each.complete) for each in stored().values()] == [("/a", 2, True)]


def write(*lanes: LaneWriter) -> None:
    """What a process with these lanes has written so far."""
    path = Path(load().segment.dir, "made.seg")
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(build_segment(lanes))


BEGIN = {"trace_id": bytes(range(16)), "root_span_id": 77, "kind": 1, "method": "GET", "path": "/a"}


@pytest.mark.parametrize("killed_after", [1, 2])
def test_a_collector_killed_between_the_batches_of_a_round_leaves_nothing_twice_and_nothing_out(
    traced: Process, clock: Clock, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    """The positions reached come last, so the next one reads again what is stored, and the store knows it."""
    monkeypatch.setattr("scope.collector.round.LARGEST", 2)
    with FaultyWriter(settings()) as writer:
        collector = Collector(settings(), writer, clock=clock)
        for id_ in ("long", "open"):
            traced.begin(id_)
        collector.cycle()
        for id_ in ("long", "open"):
            traced.work(id_, marks=2)
        traced.end("long")
        for number in range(5):
            traced.request(f"id-{number}")
        batches = len(writer.batches) + killed_after
        monkeypatch.setattr(writer, "_ask", lambda _: writer.refuse_from(batches))
        with pytest.raises(StoreFull):
            collector.commit()
        collector.close()
    with FaultyWriter(settings()) as writer:
        following = Collector(settings(), writer, clock=clock)
        following.cycle()
        traced.end("open")
        following.cycle()
        following.close()
    found = stored()
    assert found.keys() == {"long", "open", *(f"id-{number}" for number in range(5))}
    assert {each.complete for each in found.values()} == {True}
    assert {(each.spans, each.events) for each in found.values()} == {(2, 4), (2, 6)}
    with Reader(load().store_dir) as reader:
        assert all(len(list(decode_records(reader.blob(each)))) >= each.events for each in found.values())
        assert sum(route.count for route in reader.routes()) == len(found)


# --- time ------------------------------------------------------------------------------------------------------------


def test_draining_waits_until_a_lane_fills_up(collector: Collector) -> None:
    """The little that is in it otherwise is read when it is stored: a pass costs more than a look."""
    with process() as traced:
        collector.cycle()
        traced.request("a", marks=100)
        assert collector.drain()
        assert collector._correlator.statistics()["events"] == 0
        traced.request("b", marks=1_000)
        assert collector.drain()
        assert collector._correlator.statistics()["events"] > 1_100


def test_lanes_that_fill_fast_are_looked_at_more_often(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    fills = iter([9, 10, 31, 30, 9])
    polls: list[float] = []

    def wait(percent: int, poll_s: float, most_s: float) -> int:
        polls.append(poll_s)
        return next(fills)

    monkeypatch.setattr(collector, "_correlator", SimpleNamespace(wait=wait, keeps_waiting=lambda: False))
    for _ in range(5):
        collector.drain()
    poll_s = load().collector.poll_ms / 1000
    assert polls == [poll_s, poll_s, poll_s, poll_s / 4, poll_s]


def test_old_slices_are_looked_for_every_twenty_seconds(
    collector: Collector, writer: FaultyWriter, clock: Clock
) -> None:
    for _ in range(41):
        clock.advance(1)
        collector.cycle()
    assert writer.asked.count("retain") == 3


def test_a_collector_is_idle_since_the_last_traced_process_died(
    collector: Collector, traced: Process, clock: Clock
) -> None:
    clock.advance(100)
    collector.cycle()
    assert collector.idle_s() == 0
    clock.advance(100)
    assert collector.idle_s() == 0, "nobody has looked since"
    traced.die()
    collector.cycle()
    clock.advance(7)
    assert collector.idle_s() == 7
    collector.cycle()
    clock.advance(1)
    assert collector.idle_s() == 8
