"""Records become events; bytes that are no records become errors that say where and why."""

from __future__ import annotations

import struct

import pytest

from scope.errors import ScopeError
from scope.model import Event, EventType
from scope.wire.decode import decode_records
from scope.wire.encode import encode_record, encode_records
from scope.wire.errors import WireError

from .samples import EVENTS, KEY, event_id


def header(kind: int, words: int) -> bytes:
    return struct.pack("<Q", kind | words << 8)


@pytest.mark.parametrize("event", EVENTS, ids=event_id)
def test_every_event_comes_back_as_it_was(event: Event) -> None:
    assert list(decode_records(encode_record(event))) == [event]


def test_every_type_has_a_sample() -> None:
    assert {event.type for event in EVENTS} == set(EventType)


def test_blob_gives_its_events_in_order() -> None:
    assert list(decode_records(encode_records(EVENTS))) == list(EVENTS)


def test_nothing_gives_no_events() -> None:
    assert list(decode_records(b"")) == []


def test_request_key_has_its_upper_bits_in_the_header() -> None:
    """It counts 48 bits: 16 in the header word, 32 in the third."""
    record = encode_record(Event(EventType.DISCONNECT, 5, KEY, 1))
    assert struct.unpack_from("<H", record, 6) == (KEY >> 32,)
    assert struct.unpack_from("<I", record, 16) == (KEY & 0xFFFFFFFF,)


def test_function_exit_keeps_its_outcome_where_others_keep_their_parent() -> None:
    record = bytearray(encode_record(Event(EventType.FUNCTION_EXIT, 5, 1, 2)))
    record[28:32] = struct.pack("<I", 77)
    (event,) = decode_records(bytes(record))
    assert (event.parent, event.payload) == (0, {"outcome": 77})


def test_bytes_that_follow_a_payload_are_passed_over() -> None:
    """A later minor version may have put something there."""
    record = encode_record(Event(EventType.RESPONSE_START, 5, 1, 1, payload={"status": 200, "flags": 0}))
    longer = header(EventType.RESPONSE_START, len(record) // 8 + 2) + record[8:] + b"\xff" * 16
    (event,) = decode_records(longer)
    assert event.payload == {"status": 200, "flags": 0}


def test_route_by_definition_has_no_template() -> None:
    (event,) = decode_records(encode_record(Event(EventType.REQUEST_ROUTE, 5, 1, 1, site=3)))
    assert (event.site, event.payload) == (3, {})


def test_error_comes_after_the_events_before_it() -> None:
    events = decode_records(encode_records(EVENTS[:2]) + b"\x02")
    assert [next(events), next(events)] == list(EVENTS[:2])
    with pytest.raises(WireError):
        next(events)


def test_error_is_a_scope_error_and_a_value_error_with_offset_and_reason() -> None:
    good = encode_record(EVENTS[0])
    with pytest.raises(WireError) as caught:
        list(decode_records(good + header(0x7F, 4) + bytes(24)))
    assert isinstance(caught.value, ScopeError)
    assert isinstance(caught.value, ValueError)
    assert (caught.value.offset, caught.value.reason) == (len(good), "no record has type 0x7f")
    assert str(caught.value) == f"byte {len(good)}: no record has type 0x7f"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x22\x04\x00", "a header cut off after 3 bytes"),
        (header(EventType.FUNCTION_ENTER, 4), "a record of 32 bytes where 8 are left"),
        (header(EventType.FUNCTION_ENTER, 0), "a record of 0 bytes whose type needs 32"),
        (header(EventType.REQUEST_BEGIN, 9) + bytes(64), "a record of 72 bytes whose type needs 80"),
        (header(EventType.FILL, 0), "a record of 0 bytes whose type needs 8"),
        (header(EventType.LANE, 3) + bytes(16), "a record of 24 bytes whose type needs 32"),
        (header(0, 1), "no record has type 0x00"),
    ],
)
def test_record_that_is_not_whole_is_an_error(data: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=f"byte 0: {reason}"):
        list(decode_records(data))


@pytest.mark.parametrize("event", [event for event in EVENTS if event.type != EventType.FILL], ids=event_id)
def test_no_payload_reaches_past_its_record(event: Event) -> None:
    """Cut short by a word, with another record behind: an error, and nothing is taken from the neighbour."""
    record = encode_record(event)
    short = len(record) - 8
    cut = struct.pack("<Q", event.type | (short // 8) << 8 | (event.request >> 32) << 48) + record[8:short]
    with pytest.raises(WireError) as caught:
        list(decode_records(cut + encode_record(Event(EventType.DISCONNECT, 5, 1, 1))))
    assert caught.value.offset <= short


def test_count_of_frames_beyond_the_record_is_an_error() -> None:
    payload = {"flags": 1, "type": "A", "message": "", "frames": ()}
    record = bytearray(encode_record(Event(EventType.EXCEPTION, 5, 1, 1, payload=payload)))
    record[39:41] = b"\xff\xff"
    with pytest.raises(WireError, match="bytes wanted"):
        list(decode_records(bytes(record)))
