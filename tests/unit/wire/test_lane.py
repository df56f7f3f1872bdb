"""A lane gives exactly the records that are whole, and passes over what is not."""

from __future__ import annotations

import pytest

from scope.model import Event, EventType
from scope.wire.encode import encode_record
from scope.wire.errors import WireError
from scope.wire.lane import LaneState, parse_lane_control, read_ring
from scope.wire.layout import LANE_OWNER, LANE_WRITER_OFFSET

from .segment_builder import BLOCK_BYTES, LANE_BYTES, LaneWriter


def entries(count: int, start: int = 0) -> list[Event]:
    return [Event(EventType.FUNCTION_ENTER, number, 1, 2, 1, 1) for number in range(start, start + count)]


def note(length: int, time_ns: int = 1) -> Event:
    return Event(EventType.ANNOTATION, time_ns, 1, 1, payload={"attributes": {"text": "x" * length}})


def filled(*events: Event) -> LaneWriter:
    lane = LaneWriter()
    for event in events:
        lane.write(event)
    return lane


def times(lane: LaneWriter, start: int = 0) -> list[int]:
    reading = read_ring(bytes(lane.ring), start, lane.tail, BLOCK_BYTES)
    return [event.time_ns for event in reading.events() if event.type is EventType.FUNCTION_ENTER]


def test_control_is_read_whole() -> None:
    lane = LaneWriter(tail=4096, intent=16384, sequence=17, head=1024, waiters=1, losses=(1, 2, 3, 4, 5, 6, 7, 8, 9))
    lane.own(0xFFFF_FFFE, 0xFFFFFF, LaneState.RETIRED)
    control = parse_lane_control(lane.control())
    assert (control.state, control.generation, control.thread_id) == (LaneState.RETIRED, 0xFFFFFF, 0xFFFF_FFFE)
    assert (control.tail, control.intent, control.sequence, control.head) == (4096, 16384, 17, 1024)
    assert control.waiting
    assert control.losses == (1, 2, 3, 4, 5, 6, 7, 8, 9)


@pytest.mark.parametrize(("tail", "head"), [(7, 0), (8, 4), (8, 16)])
def test_control_that_no_writer_leaves_is_refused(tail: int, head: int) -> None:
    with pytest.raises(WireError, match=f"written up to {tail} and stored up to {head}") as caught:
        parse_lane_control(LaneWriter(tail=tail, head=head).control())
    assert caught.value.offset == LANE_WRITER_OFFSET


def test_unknown_state_is_refused() -> None:
    data = bytearray(LaneWriter().control())
    LANE_OWNER.pack_into(data, 0, 3)
    with pytest.raises(WireError, match="no lane state has number 3"):
        parse_lane_control(bytes(data))


def test_empty_lane_has_no_records() -> None:
    assert read_ring(bytes(LANE_BYTES), 0, 0, BLOCK_BYTES).records == ()


def test_records_come_in_order_with_their_positions_and_blocks_are_filled_up() -> None:
    lane = filled(*entries(3), note(15_000), note(15_000), *entries(2, 3))
    reading = read_ring(bytes(lane.ring), 0, lane.tail, BLOCK_BYTES)
    assert [(record.position, record.data) for record in reading.records] == [
        (position, encode_record(event, position)) for position, event in lane.written
    ]
    assert (reading.damaged, times(lane)) == (0, [0, 1, 2, 3, 4])


def test_reading_begins_where_it_is_told() -> None:
    lane = filled(*entries(5))
    assert times(lane, start=16 + 3 * 32) == [3, 4]


def test_damage_costs_the_rest_of_its_block_and_no_more() -> None:
    lane = filled(*entries(3), note(15_000), *entries(300, 3))
    lane.ring[16 + 32 + 4] ^= 0xFF  # of the stamp
    reading = read_ring(bytes(lane.ring), 0, lane.tail, BLOCK_BYTES)
    assert reading.damaged == 1
    second_block = [event.time_ns for position, event in lane.written if position > BLOCK_BYTES]
    assert times(lane) == [0, *second_block]


def test_bytes_of_an_earlier_lap_are_no_records() -> None:
    lane = filled(*entries(3000))
    reading = read_ring(bytes(lane.ring), 0, LANE_BYTES, BLOCK_BYTES)
    assert (reading.records, reading.damaged) == ((), 2)


def test_block_begins_with_a_block_record() -> None:
    lane = filled(*entries(2))
    lane.ring[0:32] = encode_record(Event(EventType.FUNCTION_ENTER, 1, 1, 2, 1, 1), 0)
    assert read_ring(bytes(lane.ring), 0, lane.tail, BLOCK_BYTES).damaged == 1


def test_only_a_block_does() -> None:
    lane = filled(*entries(2))
    lane.ring[16:32] = encode_record(Event(EventType.BLOCK, 0), 16)
    reading = read_ring(bytes(lane.ring), 0, lane.tail, BLOCK_BYTES)
    assert (len(reading.records), reading.damaged) == (1, 1)


def test_record_may_not_reach_past_what_is_written() -> None:
    lane = filled(*entries(2))
    reading = read_ring(bytes(lane.ring), 0, lane.tail - 8, BLOCK_BYTES)
    assert (len(reading.records), reading.damaged) == (2, 1)
