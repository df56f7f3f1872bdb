"""The encoder writes what the format has room for, and refuses the rest."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from scope.model import Event, EventType, Frame
from scope.wire.decode import decode_records
from scope.wire.encode import encode_record, encode_records

from .samples import EVENTS, event_id

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize("event", EVENTS, ids=event_id)
def test_record_is_whole_words_and_says_how_many(event: Event) -> None:
    record = encode_record(event)
    assert len(record) % 8 == 0
    assert struct.unpack_from("<H", record, 1)[0] * 8 == len(record)


def test_function_entry_takes_32_bytes() -> None:
    assert len(encode_record(Event(EventType.FUNCTION_ENTER, 5, 1, 2, 1, 3))) == 32


@pytest.mark.parametrize(("position", "stamp"), [(0, 0), (8, 1), (1 << 20, 1 << 17), ((1 << 27) + 16, 2)])
def test_stamp_is_bits_3_to_26_of_the_position(position: int, stamp: int) -> None:
    word = struct.unpack("<Q", encode_record(Event(EventType.FILL, 0), position))[0]
    assert word >> 24 & 0xFFFFFF == stamp


def test_records_of_a_run_are_stamped_with_their_own_positions() -> None:
    first, second = Event(EventType.DISCONNECT, 5, 1, 1), Event(EventType.FILL, 0)
    assert encode_records([first, second], 64) == encode_record(first, 64) + encode_record(second, 96)


@pytest.mark.parametrize("kind", EventType)
def test_fields_that_are_missing_are_written_as_zero_or_empty(kind: EventType) -> None:
    (event,) = decode_records(encode_record(Event(kind, 0)))
    assert (event.type, event.request, event.span) == (kind, 0, 0)
    assert not any(event.payload[name] for name in event.payload if name != "trace_id")


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        (EventType.RESPONSE_START, {"status": 1 << 32}, "a number of RESPONSE_START does not fit"),
        (EventType.SPAN_END, {"outcome": -1}, "a number of SPAN_END does not fit"),
        (EventType.EXCEPTION, {"frames": (Frame("a", "b", 1 << 32, in_app=True),)}, "a number of EXCEPTION"),
        (EventType.REQUEST_BEGIN, {"trace_id": b"\x01\x02"}, "a trace id of 2 bytes"),
        (EventType.SPAN_BEGIN, {"name": "x" * 65_536}, "65536 bytes; at most 65535 fit"),
        (
            EventType.ANNOTATION,
            {"attributes": {str(number): "x" * 65_000 for number in range(9)}},
            "at most 524280 fit",
        ),
    ],
)
def test_what_has_no_room_is_an_error(kind: EventType, payload: Mapping[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encode_record(Event(kind, 5, 1, 1, payload=payload))
