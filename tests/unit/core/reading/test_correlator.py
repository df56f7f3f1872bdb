"""A Correlator as the collector uses it."""

from __future__ import annotations

import asyncio
import struct
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scope import _core, annotate
from scope.store.batch import Summary
from tests.unit.core.inside import serve
from tests.unit.core.reading.requests import SMALL, annotate_often, request, taken

pytestmark = pytest.mark.usefixtures("no_integrations")


def test_a_request_is_handed_over_once_with_what_lists_show(
    segment: _core.Segment, reading: tuple[_core.Correlator, int]
) -> None:
    correlator, slot = reading
    request(lambda: annotate(a=1))
    assert correlator.drain(slot) == (5, True)
    (found,) = taken(correlator)
    assert taken(correlator) == []
    assert (found.segment, found.key, found.method, found.path) == (17, 1, "GET", "/work")
    assert (found.status, found.events, found.complete, found.late, found.pieces) == (200, 5, 1, 0, 0)
    assert found.id is None
    assert segment.clocks[2] < found.start_ns <= found.first_byte_ns <= found.response_end_ns <= found.end_ns
    assert len(found.notes) == 1
    assert found.notes[0] in found.blob


def test_as_many_as_are_asked_for_are_handed_over(reading: tuple[_core.Correlator, int]) -> None:
    correlator, slot = reading
    for _ in range(5):
        request()
    correlator.drain(slot)
    assert [len(correlator.take(count)) for count in (2, 0, 2, 2, 2)] == [2, 0, 2, 1, 0]
    assert correlator.take(-1) == []
    with pytest.raises(TypeError):
        correlator.take("x")  # type: ignore[arg-type]


def test_an_open_request_is_handed_over_in_pieces_while_it_changes(reading: tuple[_core.Correlator, int]) -> None:
    correlator, slot = reading
    pieces: list[Summary] = []

    def piece() -> None:
        correlator.drain(slot)
        pieces.extend(Summary(*row) for row in correlator.take_open())

    def work() -> None:
        piece()
        piece()
        annotate(a=1)
        piece()

    request(work)
    correlator.drain(slot)
    (last,) = taken(correlator)
    assert [(each.state, each.pieces, each.events) for each in [*pieces, last]] == [(0, 0, 1), (0, 1, 2), (1, 2, 5)]
    assert len({each.position for each in [*pieces, last]}) == 3
    assert correlator.statistics()["bytes"] == 0


def test_a_full_correlator_stops_between_lanes_and_goes_on(segment: _core.Segment) -> None:
    correlator = _core.Correlator(max_bytes=0)
    slot = correlator.add(segment, 1)
    request(annotate_in_a_thread)
    assert correlator.drain(slot)[1] is False
    first = correlator.drain(slot)
    assert first == (0, False)
    handed = [*taken(correlator), *correlator.take_open()]
    assert correlator.drain(slot)[1] is True
    assert handed


def test_events_read_before_the_beginning_of_their_request_are_handed_over_as_well(segment: _core.Segment) -> None:
    """The positions that are stored with them lie behind them."""
    request()
    begun: list[_core.Request | None] = []
    scope = {"type": "http", "method": "GET", "path": "/a", "headers": []}
    thread = threading.Thread(target=lambda: begun.append(_core.begin_request(scope, b"x-request-id", True)))
    thread.start()
    thread.join()
    assert begun[0] is not None
    before = begun[0].activate()
    annotate(early=True)
    begun[0].deactivate(before)
    correlator = _core.Correlator(max_bytes=0)
    slot = correlator.add(segment, 1)
    handed: list[Summary] = []
    whole = False
    while not whole:
        whole = correlator.drain(slot)[1]
        handed += (*taken(correlator), *(Summary(*row) for row in correlator.take_open()))
    early, begins = (each for each in handed if each.key == 2)
    assert (early.kind, early.late, early.events, early.pieces) == (0, 1, 1, 0)
    assert (begins.kind, begins.path, begins.late, begins.events, begins.pieces) == (1, "/a", 0, 2, 1)


def test_a_pass_over_more_than_is_read_at_a_time_goes_on_where_it_stopped(tmp_path: Path) -> None:
    session = _core.Session(str(tmp_path / "large.seg"), lanes=1, first_lane_bytes=1 << 20)
    _core.set_session(session)
    request(partial(annotate_often, 3_000))
    _core.set_session(None)
    segment, correlator = _core.Segment(session.path), _core.Correlator(pass_bytes=1)
    slot = correlator.add(segment, 1)
    passes = [correlator.drain(slot) for _ in range(5)]
    segment.close()
    session.close()
    assert [whole for _, whole in passes] == [False, False, True, True, True]
    (found,) = taken(correlator)
    assert found.events == sum(events for events, _ in passes) == 3_000 + 4
    assert found.complete


def test_no_more_definitions_are_believed_than_a_process_makes(tmp_path: Path) -> None:
    session = _core.Session(str(tmp_path / "large.seg"), lanes=1, definitions_bytes=1 << 21)
    segment = _core.Segment(session.path)
    with Path(session.path).open("r+b") as file:
        file.seek(112)
        (at,) = struct.unpack("<Q", file.read(8))
        file.seek(at)
        file.write((16).to_bytes(16, "little") * (1 << 17))
        file.seek(4096 + 64)
        file.write(struct.pack("<Q", 1 << 21))
    assert len(segment.definitions()) == 65_537
    assert segment.definitions() == []
    assert segment.statistics()["definitions_damaged"] == 1
    segment.close()
    session.close()


def annotate_in_a_thread() -> None:
    from scope import Thread

    thread = Thread(target=annotate, kwargs={"threaded": 1})
    thread.start()
    thread.join()


def test_a_dead_owners_requests_are_handed_over_as_aborted(reading: tuple[_core.Correlator, int]) -> None:
    correlator, slot = reading
    states: list[int] = []

    def work() -> None:
        correlator.drain(slot)
        correlator.abort(slot)
        states.extend(each.state for each in taken(correlator))

    request(work)
    assert states == [2]


def test_a_stored_piece_is_taken_back(session: _core.Session) -> None:
    rows: list[Summary] = []
    heads: list[tuple[int, ...]] = []
    first = _core.Segment(session.path)

    def work() -> None:
        other = _core.Correlator()
        number = other.add(first, 1)
        other.drain(number)
        rows.extend(Summary(*row) for row in other.take_open())
        heads.append(first.heads())

    request(work)
    again = _core.Segment(session.path)
    later = _core.Correlator()
    number = later.add(again, 1)
    again.restore_heads(heads[0])
    assert later.restore(number, rows[0].key, rows[0].blob)
    later.drain(number)
    (found,) = taken(later)
    assert (found.key, found.events, found.pieces, found.path, found.complete) == (1, 4, 1, "/work", 1)
    assert not later.restore(number, 9, b"\0" * 8)
    first.close()
    again.close()


def test_old_losses_are_not_told_again_after_a_restart(tmp_path: Path) -> None:
    session = _core.Session(str(tmp_path / "d.seg"), **SMALL, policy=1)
    _core.set_session(session)
    first = _core.Segment(session.path)
    correlator = _core.Correlator()
    slot = correlator.add(first, 1)
    request(partial(annotate_often, 1000))
    correlator.drain(slot)
    heads = first.heads()
    first.publish_heads(heads)
    assert first.losses()["full"] > 0

    again = _core.Segment(session.path)
    later = _core.Correlator()
    number = later.add(again, 1)
    again.restore_heads(heads)
    request()
    later.drain(number)
    later.drain(number)
    assert [(each.key, each.complete) for each in taken(later) if not each.late] == [(2, 1)]
    for each in (first, again):
        each.close()
    _core.set_session(None)
    session.close()


def test_a_segment_that_is_removed_is_forgotten_and_its_slot_used_again(
    segment: _core.Segment, reading: tuple[_core.Correlator, int]
) -> None:
    correlator, slot = reading
    request(lambda: correlator.drain(slot))
    assert correlator.statistics()["open"] == 1
    correlator.remove(slot)
    assert correlator.statistics()["open"] == 0
    for ask in (correlator.drain, correlator.remove, correlator.abort, correlator.losses):
        with pytest.raises(KeyError, match="no segment"):
            ask(slot)
    with pytest.raises(KeyError):
        correlator.restore(slot, 1, b"")
    with pytest.raises(TypeError):
        correlator.drain("x")  # type: ignore[arg-type]
    assert correlator.add(segment, 3) == slot
    assert correlator.add(segment, 4) == slot + 1


def test_requests_that_were_finished_when_their_segment_goes_keep_its_number(
    segment: _core.Segment, reading: tuple[_core.Correlator, int]
) -> None:
    correlator, slot = reading
    request()
    correlator.drain(slot)
    correlator.remove(slot)
    correlator.add(segment, 99)
    assert [each.segment for each in taken(correlator)] == [17]


def test_sweeping_ends_what_has_no_beginning(reading: tuple[_core.Correlator, int]) -> None:
    correlator, slot = reading
    late: list[Summary] = []

    async def work() -> None:
        async def background() -> None:
            await asyncio.sleep(0.001)
            annotate(late=True)

        tasks: list[asyncio.Task[None]] = []

        async def spawn() -> None:
            tasks.append(asyncio.create_task(background()))

        await serve(spawn)
        correlator.drain(slot)
        assert [each.late for each in taken(correlator)] == [0]
        await asyncio.gather(*tasks)

    asyncio.run(work())
    for _ in range(4):
        correlator.drain(slot)
        correlator.sweep()
        late.extend(taken(correlator))
    assert [(each.key, each.late, each.events) for each in late] == [(1, 1, 1)]


def test_wrong_arguments_are_type_errors(segment: _core.Segment) -> None:
    correlator: Any = _core.Correlator()
    for wrong in ((), (segment,), (None, 1), (segment, "x")):
        with pytest.raises(TypeError):
            correlator.add(*wrong)
    with pytest.raises(TypeError):
        _core.Correlator(1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        correlator.restore(0, 1)
    counts = "events stray malformed finished open bytes refused standing cut of_process"
    assert set(correlator.statistics()) == set(counts.split())
