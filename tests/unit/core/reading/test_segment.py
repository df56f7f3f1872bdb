"""A Segment as the collector uses it."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scope import _core, span
from scope.store.batch import Summary
from tests.unit.core.reading.requests import SMALL, annotate_often, request, taken

pytestmark = pytest.mark.usefixtures("no_integrations")


def test_names_of_fields_and_reasons_are_the_vocabulary_of_store_and_wire() -> None:
    from scope.wire.layout import LOSS_REASONS

    assert Summary._fields == _core.SUMMARY_FIELDS
    assert _core.LOSS_REASONS == LOSS_REASONS


def test_a_file_that_is_no_segment_is_refused_by_name_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "foreign.seg"
    path.write_bytes(b"SCOPESEX" + bytes(5000))
    with pytest.raises(ValueError, match=r"foreign\.seg.*no segment"):
        _core.Segment(str(path))
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="too short"):
        _core.Segment(str(path))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        _core.Segment(str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="embedded null"):
        _core.Segment("a\0b")
    open_segment: Any = _core.Segment
    for wrong in ((), (3,), ("a", "b")):
        with pytest.raises(TypeError):
            open_segment(*wrong)
    with pytest.raises(TypeError):
        _core.Segment(path="a")  # type: ignore[call-arg]


def test_definitions_come_once(segment: _core.Segment, reading: tuple[_core.Correlator, int]) -> None:
    first = segment.definitions()
    assert len(first) == 1
    request(lambda: span("a").__enter__())
    assert [entry[8:] for entry in segment.definitions()] == [b"\x01\0a".ljust(8, b"\0")]
    assert segment.definitions() == []
    assert segment.statistics()["definitions"] == 2


@pytest.mark.parametrize("damage", [b"\x07\0\0\0", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\x04\0\0\0"])
def test_after_a_damaged_definition_none_is_believed(
    damage: bytes, session: _core.Session, segment: _core.Segment
) -> None:
    request(lambda: span("a").__enter__())
    with Path(session.path).open("r+b") as file:
        file.seek(112)
        (at,) = struct.unpack("<Q", file.read(8))
        file.seek(at)
        file.write(damage)
    assert segment.definitions() == []
    assert segment.definitions() == []
    assert segment.statistics()["definitions_damaged"] == 1


def test_a_tail_of_definitions_beyond_their_room_is_damage(session: _core.Session, segment: _core.Segment) -> None:
    with Path(session.path).open("r+b") as file:
        file.seek(4096 + 64)
        file.write(struct.pack("<Q", 1 << 40))
    assert segment.definitions() == []
    assert segment.statistics()["definitions_damaged"] == 1


def test_statistics_tell_how_full_the_fullest_lane_is(
    segment: _core.Segment, reading: tuple[_core.Correlator, int]
) -> None:
    request(partial(annotate_often, 80))
    before = segment.statistics()
    assert 50 < before["fullest_percent"] < 100
    assert before["lanes_owned"] == 1
    assert before["size_bytes"] == Path(segment.path).stat().st_size
    correlator, slot = reading
    correlator.drain(slot)
    assert segment.statistics()["unread_bytes"] == 0


def test_reading_goes_on_where_an_earlier_reader_stopped(session: _core.Session, segment: _core.Segment) -> None:
    first = _core.Correlator()
    slot = first.add(segment, 1)
    request()
    first.drain(slot)
    heads = segment.heads()
    assert heads[0] > 0
    assert heads[1] == 5  # four events, so the next is the fifth from 1
    request()

    again = _core.Segment(session.path)
    again.restore_heads(heads)
    assert again.heads() == heads
    second = _core.Correlator()
    slot = second.add(again, 1)
    assert second.drain(slot) == (4, True)
    assert [each.key for each in taken(second)] == [2]
    again.close()


@pytest.mark.parametrize("wrong", [(-8, 1), (4, 1), ("x", 1), (1 << 70, 1), (8, "x"), 3, None], ids=repr)
def test_heads_that_are_none_are_refused(wrong: Any, segment: _core.Segment) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        segment.restore_heads(wrong)


def test_heads_of_more_lanes_than_there_are_are_passed_over(segment: _core.Segment) -> None:
    segment.restore_heads((8, 0) * 50)
    assert segment.heads() == (8, 0, 8, 0)
    segment.restore_heads(())
    segment.restore_heads((16,))


def test_a_writer_that_discards_goes_on_when_it_is_told_what_is_stored(tmp_path: Path) -> None:
    session = _core.Session(str(tmp_path / "d.seg"), **SMALL, policy=1)
    _core.set_session(session)
    segment = _core.Segment(session.path)
    correlator = _core.Correlator()
    slot = correlator.add(segment, 1)
    for _ in range(6):
        request(partial(annotate_often, 40))
        correlator.drain(slot)
        correlator.drain(slot)
        segment.publish_heads(segment.heads())
    assert segment.losses()["full"] == 0
    assert [each.complete for each in taken(correlator)] == [1] * 6
    request(partial(annotate_often, 1000))
    assert segment.losses()["full"] > 800
    segment.close()
    _core.set_session(None)
    session.close()


def test_a_closed_segment_says_so(segment: _core.Segment, reading: tuple[_core.Correlator, int]) -> None:
    correlator, slot = reading
    segment.close()
    segment.close()
    asks: list[Callable[[], object]] = [segment.definitions, segment.losses, segment.statistics]
    asks += [lambda: segment.publish_heads(()), lambda: segment.set_control(1)]
    for ask in asks:
        with pytest.raises(ValueError, match="is closed"):
            ask()
    for ask in (lambda: correlator.drain(slot), lambda: correlator.losses(slot), lambda: correlator.add(segment, 1)):
        with pytest.raises(ValueError, match="is closed"):
            ask()
    assert segment.pid == os.getpid()


def test_the_control_word_is_a_number(segment: _core.Segment) -> None:
    for wrong in (-1, "x", 1 << 64):
        with pytest.raises((TypeError, OverflowError)):
            segment.set_control(wrong)  # type: ignore[arg-type]
