"""Wishes reach every process, and each only when it is new to it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from scope.collector.collector import EAGER_NS, EAGER_S, Collector
from scope.collector.steering import Steering
from scope.config.probe_wishes import ProbeWish, generation, write_probe_wishes
from scope.config.wishes import Wishes, write_wishes
from scope.wire.control import control_word, wished_policy
from scope.wire.segment import SegmentFile
from tests.unit.collector.kit import FaultyWriter, Process, process, settings


@pytest.fixture
def path() -> str:
    Path(settings().dir).mkdir(parents=True, exist_ok=True)
    return settings().wishes_path


def told(traced: Process) -> str | None:
    with SegmentFile(traced.path) as segment:
        return wished_policy(segment.control)


def test_the_word_follows_the_file(path: str) -> None:
    steering = Steering(path)
    assert steering.word == 0
    write_wishes(path, Wishes("block"))
    assert steering.word == control_word("block")
    write_wishes(path, Wishes())
    assert steering.word == 0
    write_wishes(path, Wishes("discard-newest"))
    assert steering.word == control_word("discard-newest")
    Path(path).unlink()
    assert steering.word == 0


def test_a_file_that_cannot_be_understood_changes_nothing_and_is_told_of_once(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_wishes(path, Wishes("block"))
    steering = Steering(path)
    assert steering.word == control_word("block")
    Path(path).write_text("{")
    assert [steering.word for _ in range(3)] == [control_word("block")] * 3
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_every_process_is_told_also_one_that_comes_later(path: str, collector: Collector) -> None:
    with process("one.seg") as one:
        collector.cycle()
        assert told(one) is None
        write_wishes(path, Wishes("block"))
        collector.drain()
        assert told(one) == "block"
        with process("two.seg") as two:
            collector.cycle()
            assert told(two) == "block"
            write_wishes(path, Wishes())
            collector.drain()
            assert (told(one), told(two)) == (None, None)


def test_a_wish_that_was_withdrawn_while_nobody_collected_is_over(
    path: str, collector: Collector, writer: FaultyWriter
) -> None:
    with process() as traced:
        write_wishes(path, Wishes("block"))
        collector.cycle()
        assert told(traced) == "block"
        write_wishes(path, Wishes())
        successor = Collector(settings(), writer)
        successor.cycle()
        assert told(traced) is None
        successor.close()


def test_processes_are_told_of_the_probes_that_are_asked_for_and_when_that_is_over(path: str) -> None:
    probes, now_ns = settings().probe_wishes_path, 0
    steering = Steering(path, probes, lambda: now_ns)
    short, long = ProbeWish("shop.*=timing", 100), ProbeWish("shop.models=off", 200)
    write_probe_wishes(probes, (short, long))
    assert steering.word == generation((short, long))
    write_wishes(path, Wishes("block"))
    assert steering.word == control_word("block") | generation((short, long))
    now_ns = 150
    assert steering.word == control_word("block") | generation((long,))
    now_ns = 200
    assert steering.word == control_word("block")


@pytest.mark.usefixtures("path")
def test_what_people_wait_to_see_is_stored_sooner_for_a_while(writer: FaultyWriter) -> None:
    now_ns = 10**9
    collector = Collector(settings(), writer, clock=lambda: now_ns)
    with process():
        assert (collector.cycle(), collector.drain()) == (0.5, True)
        write_probe_wishes(settings().probe_wishes_path, (ProbeWish("shop.*=timing", 2**62),))
        assert [collector.drain() for _ in range(2)] == [False, True]
        assert collector.cycle() == EAGER_S
        now_ns += EAGER_NS
        assert collector.cycle() == 0.5
    collector.close()


def test_the_number_of_the_probes_reaches_the_process(path: str, collector: Collector) -> None:
    wishes = (ProbeWish("shop.*=timing", 2**62),)
    with process() as traced:
        write_probe_wishes(settings().probe_wishes_path, wishes)
        collector.cycle()
        assert traced.session.control & 0xFFFFFFFF == generation(wishes)
