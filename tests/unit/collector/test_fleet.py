"""The traced processes of a directory, from their segment's coming to its removal."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scope._core import Correlator
from scope.collector.collector import Collector
from scope.collector.files import SegmentFiles
from scope.collector.fleet import Fleet
from scope.config import load
from scope.store import Reader, StoreFull
from tests.unit.collector.kit import Clock, FaultyWriter, process, settings, stored

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def following(writer: FaultyWriter, clock: Clock) -> Iterator[Collector]:
    """The collector that comes after the one of the test has been killed."""
    made = Collector(settings(), writer, clock=clock)
    yield made
    made.close()


def test_the_store_is_never_waited_for_with_the_lock_held(
    collector: Collector, writer: FaultyWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is stuck would keep the rings from being drained, and they would overflow."""
    held: list[tuple[str, bool]] = []
    monkeypatch.setattr(writer, "_ask", lambda what: held.append((what, collector._fleet.lock.locked())))
    with process() as traced:
        traced.request("a")
        collector.cycle()
        traced.die()
        collector.drain_all()
        assert not traced.path.exists()
    assert {what for what, _ in held} >= {"register", "commit", "drop", "drop absent", "retain"}
    assert not any(locked for _, locked in held)


def test_the_store_learns_who_the_process_is(collector: Collector) -> None:
    with process() as traced:
        traced.request("a")
        collector.cycle()
        assert stored()["a"].service == "shop"
        assert stored()["a"].pid == traced.owner


def test_losses_are_counted_beyond_the_death_of_who_lost(collector: Collector, clock: Clock) -> None:
    with process(first_lane_bytes=1 << 15) as traced:
        traced.request("a", marks=2_000)
        collector.cycle()
        lost = collector.status.lost
        assert lost > 500
        traced.die()
        for _ in range(3):
            clock.advance(6)
            collector.cycle()
        assert not traced.path.exists()
        assert (collector.status.segments, collector.status.lost) == (0, lost)
        with Reader(load().store_dir) as reader:
            assert [dict(each.lost)["lapped"] for each in reader.info().segments] == [lost]


def test_of_a_segment_and_its_copies_one_is_read(
    collector: Collector, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """That which is called as its process called it, though another comes before it by name."""
    with process(f"{os.getpid()}-made.seg") as made:
        name = made.path.with_name(f"{made.owner}-own.seg")
        made.path.rename(name)
        shutil.copy(name, name.with_name("0-copy.seg"))
        made.request("a")
        collector.cycle()
        shutil.copy(name, name.with_name("late-copy.seg"))
        collector.cycle()
        assert stored()["a"].complete
        told = [each.message for each in caplog.records if "a copy of" in each.message]
        assert [text.partition(": a copy")[0].rpartition("/")[2] for text in told] == ["0-copy.seg", "late-copy.seg"]
        assert all(text.endswith(f"a copy of {name}; remove it") for text in told)


def test_a_segment_that_is_cut_as_it_is_taken_up_is_left_alone_and_told_of_once(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where it changes all the time."""
    alone = SegmentFiles._open

    def cut_after_opening(self: SegmentFiles, name: str) -> Any:
        segment = alone(self, name)
        os.truncate(self.path(name), 8192 if segment else whole)
        return segment

    with process() as traced:
        whole = traced.path.stat().st_size
        monkeypatch.setattr(SegmentFiles, "_open", cut_after_opening)
        for _ in range(6):
            collector.cycle()
        assert [each.message for each in caplog.records if "left alone" in each.message] == [
            f"left alone: segment {str(traced.path)!r}: cut, grown or hollowed out while it was read"
        ]


# --- unsound segments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bytes_left", [0, 4096, 20_000])
def test_a_segment_that_is_cut_while_it_is_read_is_left_alone_and_the_others_go_on(
    collector: Collector, clock: Clock, caplog: pytest.LogCaptureFixture, bytes_left: int
) -> None:
    """Its requests are aborted at the last event that was read; nobody is killed by touching what is gone."""
    with process("cut.seg") as cut, process("whole.seg") as whole:
        cut.request("a")
        cut.begin("b")
        collector.cycle()
        os.truncate(cut.path, bytes_left)
        whole.request("c")
        for _ in range(3):
            clock.advance(1)
            collector.cycle()
        assert {name: each.state for name, each in stored().items()} == {"a": "done", "b": "aborted", "c": "done"}
        assert cut.path.stat().st_size == bytes_left
        assert [each.message for each in caplog.records if "cut.seg" in each.message] == [
            f"left alone: segment {str(cut.path)!r}: cut, grown or hollowed out while it was read"
        ]
        assert collector.status.refused == 1


def test_a_segment_that_is_cut_after_a_pass_harms_nobody_who_touches_it_before_the_next(
    collector: Collector, writer: FaultyWriter
) -> None:
    with process() as traced:
        traced.begin("a")
        collector.cycle()
        traced.request("b")
        collector._fleet.drain()
        os.truncate(traced.path, 0)
        with collector._fleet.lock:
            collector._fleet.news()
            collector._fleet.publish()
        collector.cycle()
        assert stored()["a"].state == "aborted"


def test_a_segment_that_is_given_up_while_a_batch_is_stored_is_stored_whole(
    collector: Collector, writer: FaultyWriter
) -> None:
    """It is buried only when the store was told of all that was read of it."""
    with process() as traced:
        traced.request("a")
        traced.begin("b")
        collector.cycle()
        traced.request("c")

        def give_up_meanwhile() -> None:
            traced.begin("d")
            traced.route("d", "/of/d")
            traced.end("d")
            collector._fleet.drain()
            os.truncate(traced.path, 0)
            collector._fleet.drain()

        writer.meanwhile = give_up_meanwhile
        collector.cycle()
        collector.cycle()
        states = {name: each.state for name, each in stored().items()}
        assert states == {"a": "done", "b": "aborted", "c": "done", "d": "done"}
        assert stored()["d"].route == "/of/d"


def test_damage_within_a_block_costs_that_block_and_is_counted(collector: Collector) -> None:
    with process() as traced:
        traced.request("a", marks=2_000)
        beginning = traced.path.read_bytes().index(b"/a", 1 << 18)
        with traced.path.open("r+b") as file:
            file.seek(beginning - 96)
            file.write(bytes(96))
        traced.request("b")
        collector.cycle()
        assert stored()["b"].complete
        assert 100 < collector.status.lost < 600


# --- what an earlier collector left -----------------------------------------------------------------------------------


def test_requests_left_open_by_a_segment_that_is_gone_are_aborted_at_the_next_start(
    collector: Collector, writer: FaultyWriter, clock: Clock
) -> None:
    """As after a restart of the machine, with the segments in shared memory."""
    with process("gone.seg") as gone, process("there.seg") as there:
        gone.begin("a")
        gone.work("a")
        there.begin("b")
        collector.cycle()
        gone.path.unlink()
        with following(writer, clock) as next_one:
            next_one.cycle()
            assert {name: each.state for name, each in stored().items()} == {"a": "aborted", "b": "open"}
            assert (stored()["a"].spans, stored()["a"].complete) == (2, False)
            there.end("b")
            next_one.cycle()
            assert stored()["b"].complete
    assert writer.asked.count("drop absent") == 2


def test_they_stay_open_while_it_cannot_be_known_that_it_is_gone(
    collector: Collector, writer: FaultyWriter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> Any:
        raise OSError(24, "Too many open files")

    with process() as traced:
        traced.begin("a")
        collector.cycle()
        with following(writer, clock) as next_one:
            with monkeypatch.context() as patch:
                patch.setattr(os, "listdir", refuse)
                next_one.cycle()
            assert stored()["a"].state == "open"
            traced.end("a")
            next_one.cycle()
            assert stored()["a"].complete


def test_a_segment_whose_removal_was_cut_off_is_read_again_without_effect(
    collector: Collector, writer: FaultyWriter, clock: Clock
) -> None:
    """Killed after the store was told, before the file was removed."""
    with process() as traced:
        traced.request("a")
        traced.begin("b")
        traced.die()
        data = traced.path.read_bytes()
        collector.drain_all()
        before = stored()
        traced.path.write_bytes(data)
        with following(writer, clock) as next_one:
            next_one.drain_all()
        assert stored() == before
        assert not traced.path.exists()


def test_a_store_that_does_not_take_the_end_of_a_segment_is_asked_again(
    collector: Collector, writer: FaultyWriter, clock: Clock
) -> None:
    with process() as traced:
        traced.request("a")
        traced.die()
        writer.refuses = {"drop"}
        clock.advance(1)
        collector.cycle()
        collector.cycle()
        assert collector.status.error == "no room to drop"
        writer.refuses = set()
        collector.cycle()
        assert collector.status.error == ""
        assert writer.asked[-1] == "drop"
        assert len(stored()) == 1


def test_a_segment_of_which_all_is_stored_is_never_read_again(
    collector: Collector, writer: FaultyWriter, clock: Clock
) -> None:
    """Without the positions that it was read up to, what its ring has overwritten would be taken for lost."""
    with process(first_lane_bytes=1 << 15) as traced:
        for number in range(10):
            traced.request(str(number), marks=100)
            collector.cycle()
        traced.die()
        writer.refuses = {"drop"}
        clock.advance(1)
        collector.cycle()
        collector.cycle()
        assert collector.status.error == "no room to drop"
        writer.refuses = set()
        with following(writer, clock) as next_one:
            next_one.cycle()
            assert next_one.status.lost == 0
    assert len(stored()) == 10


def test_of_a_segment_that_cannot_be_removed_the_positions_are_kept(
    collector: Collector, writer: FaultyWriter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scope.collector.files.os.unlink", _refuse)
    with process(first_lane_bytes=1 << 15) as traced:
        for number in range(10):
            traced.request(str(number), marks=100)
            collector.cycle()
        traced.die()
        for _ in range(2):
            clock.advance(1)
            collector.cycle()
        assert "drop" not in writer.asked
        with following(writer, clock) as next_one:
            next_one.cycle()
            assert next_one.status.lost == 0
    assert len(stored()) == 10


def _refuse(path: str) -> None:
    raise PermissionError(1, "Operation not permitted", path)


def test_one_segment_that_the_store_refuses_keeps_the_others_waiting_but_not_forgotten(writer: FaultyWriter) -> None:
    fleet = Fleet(settings().segment.dir, Correlator(), writer)
    with process("a.seg") as dead, process("b.seg"):
        dead.die()
        writer.refuses = {"register"}
        with pytest.raises(StoreFull):
            fleet.scan()
        assert fleet.has_living
        writer.refuses = set()
        fleet.scan()
        assert len(fleet) == 2
    fleet.close()


def test_without_a_process_nobody_lives(writer: FaultyWriter) -> None:
    fleet = Fleet(str(Path(settings().segment.dir)), Correlator(), writer)
    fleet.scan()
    assert (len(fleet), fleet.has_living, fleet.refused, fleet.lost) == (0, False, 0, 0)
