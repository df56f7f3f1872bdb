"""Traced processes: what is known of the life of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.store import Batch, Reader, Worker
from scope.store.process_records import ProcessRecord
from tests.unit.store.kit import HOUR_NS, OTHER, SECOND_NS, SEGMENT, START_NS, open_writer, summary

if TYPE_CHECKING:
    from pathlib import Path

    from scope.store import Writer

START = ProcessRecord(-1, 0, "start", START_NS - 9 * SECOND_NS)


def exit_at(seconds: int) -> ProcessRecord:
    return ProcessRecord(-1, 1, "exit", START_NS + seconds * SECOND_NS, 400_000_000)


def goodbye_at(seconds: int, position: int = 8) -> ProcessRecord:
    return ProcessRecord(0, position, "shutdown", START_NS + seconds * SECOND_NS)


def record(writer: Writer, *records: ProcessRecord) -> None:
    writer.commit(Batch(process={1: list(records)}))


def workers(directory: Path) -> list[Worker]:
    with Reader(directory) as reader:
        return reader.workers()


def first(directory: Path) -> Worker:
    [found] = [each for each in workers(directory) if each.pid == SEGMENT.pid]
    return found


def test_one_that_runs_has_begun_and_not_ended(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        record(writer, START)
    assert first(tmp_path) == Worker(
        pid=4711,
        service="shop",
        host="web-1",
        started_ns=START_NS - 9 * SECOND_NS,
        state="running",
        alive_ns=None,
        ended_ns=None,
        outside=0,
        outside_ns=0,
        gc=0,
        gc_ns=0,
        lost=0,
    )


def test_the_start_of_one_of_which_it_is_not_known_is_that_of_its_tracing(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        record(writer, ProcessRecord(0, 8, "gc", START_NS, 7))
    assert first(tmp_path).started_ns == SEGMENT.started_ns


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ([], "died"),
        ([goodbye_at(8)], "ended"),
        ([goodbye_at(-9, 16), goodbye_at(8)], "ended"),
        ([goodbye_at(-90)], "died"),
    ],
)
def test_one_that_is_gone_died_unless_it_had_just_said_that_it_would_end(
    said: list[ProcessRecord], state: str, tmp_path: Path
) -> None:
    with open_writer(tmp_path) as writer:
        record(writer, START, *said, exit_at(10))
        writer.drop_segment(1)
    found = first(tmp_path)
    assert found.state == state
    assert (found.alive_ns, found.ended_ns) == (START_NS + 10 * SECOND_NS, START_NS + 10_400_000_000)


def test_one_whose_end_nobody_saw_is_gone(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        record(writer, START, goodbye_at(1))
        writer.drop_segment(1)
    assert (first(tmp_path).state, first(tmp_path).ended_ns) == ("gone", None)


def test_what_it_did_outside_requests_and_what_it_lost_is_summed_up(tmp_path: Path) -> None:
    steps = [ProcessRecord(0, 8 * number, "step", START_NS, number) for number in (1, 2, 3)]
    with open_writer(tmp_path) as writer:
        record(writer, *steps, ProcessRecord(0, 64, "gc", START_NS, 9))
        writer.commit(Batch(losses={1: {"lapped": 5, "full": 3}}))
    found = first(tmp_path)
    assert (found.outside, found.outside_ns, found.gc, found.gc_ns, found.lost) == (3, 6, 1, 9, 8)


def test_the_latest_come_first_as_far_as_they_are_wanted(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.register(type(OTHER)("c" * 32, 9, "shop", "web-1", START_NS + HOUR_NS))
        with Reader(tmp_path) as reader:
            assert [each.pid for each in reader.workers()] == [9, OTHER.pid, SEGMENT.pid]
            assert [each.pid for each in reader.workers(limit=1)] == [9]


def test_the_process_of_a_request_is_the_latest_with_its_pid_that_began_before_it(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        again = writer.register(type(OTHER)("c" * 32, SEGMENT.pid, "shop", "web-1", START_NS + HOUR_NS))
        writer.register(type(OTHER)("d" * 32, SEGMENT.pid, "other", "web-1", START_NS))
        writer.commit(Batch(finished=[summary(1), summary(2, segment=again, start_ns=START_NS + HOUR_NS + 1)]))
        writer.commit(Batch(process={1: [exit_at(1)]}))
    with Reader(tmp_path) as reader:
        later, earlier = reader.requests()
        assert [worker and worker.ended_ns is not None for worker in map(reader.worker_of, (earlier, later))] == [
            True,
            False,
        ]
