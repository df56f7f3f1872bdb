"""A header is believed only when every field of it makes sense."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

import pytest

from scope.wire.errors import WireError
from scope.wire.header import Header, parse_header
from scope.wire.layout import PAGE_BYTES

from .segment_builder import BLOCK_BYTES, BOOT_ID, DEFINITIONS_BYTES, LANE_BYTES, HeaderFields
from .segment_builder import UUID as UUID_BYTES

FILE_BYTES = 3 * PAGE_BYTES + DEFINITIONS_BYTES + 2 * LANE_BYTES
GOOD = HeaderFields(file_bytes=FILE_BYTES)


def parse(fields: HeaderFields, file_bytes: int = FILE_BYTES) -> Header:
    return parse_header(fields.page(), file_bytes)


def test_header_in_order_is_read_whole() -> None:
    header = parse(replace(GOOD, abi_minor=7, compatible=5))
    assert (header.abi_minor, header.uuid, header.file_bytes) == (7, UUID(bytes=UUID_BYTES), FILE_BYTES)
    assert (header.lanes, header.block_bytes, header.policy) == (2, BLOCK_BYTES, "overwrite-oldest")
    assert (header.pid, header.start_ticks, header.boot_id) == (4711, 123_456, UUID(bytes=BOOT_ID))
    assert (header.pid_namespace, header.clocks) == (4_026_531_836, (1_000, 2_000, 1_700_000_000_000_001_000))
    assert header.clocks.offset_ns == 1_700_000_000_000_000_000
    assert [parse(replace(GOOD, policy=number)).policy for number in (1, 2)] == ["discard-newest", "block"]


def test_lanes_follow_each_other_the_first_of_its_own_size() -> None:
    sizes = replace(GOOD, lanes=3, first_lane_bytes=4 * LANE_BYTES, file_bytes=0)
    total = sizes.lane_data_offset + 6 * LANE_BYTES
    header = parse(replace(sizes, file_bytes=total), total)
    starts = [header.lane_data(number) for number in range(3)]
    assert starts == [sizes.lane_data_offset + size * LANE_BYTES for size in (0, 4, 5)]
    assert [header.lane_capacity(number) for number in range(3)] == [4 * LANE_BYTES, LANE_BYTES, LANE_BYTES]
    assert header.lane_control(2) == 2 * PAGE_BYTES + 1024


def test_controls_of_many_lanes_take_more_pages() -> None:
    fields = replace(GOOD, lanes=9, definitions_offset=4 * PAGE_BYTES, lane_data_offset=5 * PAGE_BYTES)
    total = 5 * PAGE_BYTES + 9 * LANE_BYTES
    assert parse(replace(fields, file_bytes=total), total).lanes == 9


@pytest.mark.parametrize(
    ("field", "value", "offset", "reason"),
    [
        ("magic", b"SCOPESEX", 0, "not a segment file"),
        ("ready", 0, 8, "its process has not finished making it"),
        ("abi_major", 1, 12, "its format has major version 1; this reader knows 2"),
        ("incompatible", 4, 16, "it uses features that this reader does not know: 0x4"),
        ("file_bytes", FILE_BYTES - 1, 48, f"it says {FILE_BYTES - 1} bytes; the file has {FILE_BYTES}"),
        ("header_bytes", 8192, 56, "a header page of 8192 bytes"),
        ("lanes", 0, 60, "0 lanes"),
        ("lanes", 1025, 60, "1025 lanes"),
        ("lanes", 3, 48, "its parts are"),
        ("block_bytes", 8192, 64, "a block size of 8192 bytes"),
        ("block_bytes", 131_072, 64, "a block size of 131072 bytes"),
        ("block_bytes", 24_576, 64, "a block size of 24576 bytes"),
        ("block_bytes", 0, 64, "a block size of 0 bytes"),
        ("policy", 3, 68, "no overflow policy has number 3"),
        ("control_offset", 0, 72, "a control page at 0"),
        ("lane_controls_offset", 4096, 80, "lane controls at 4096"),
        ("lane_data_offset", 1 << 63, 88, "lanes at 9223372036854775808"),
        ("first_lane_bytes", BLOCK_BYTES, 96, "a lane of 16384 bytes with blocks of 16384"),
        ("first_lane_bytes", 3 * BLOCK_BYTES, 96, "a lane of 49152 bytes"),
        ("lane_bytes", 1 << 27, 104, "a lane of 134217728 bytes"),
        ("definitions_offset", 8192, 112, "definitions at 8192"),
        ("definitions_bytes", 0, 120, "definitions of 0 bytes"),
        ("definitions_bytes", 4104, 120, "definitions of 4104 bytes"),
        ("definitions_bytes", 1 << 27, 120, "definitions of 134217728 bytes"),
        ("monotonic_ns", (1 << 62) + 1, 176, "its clocks show no time"),
        ("realtime_ns", 1 << 63, 176, "its clocks show no time"),
        ("pid", 0, 128, "0 is no process id"),
        ("pid", 1 << 31, 128, "2147483648 is no process id"),
        ("clock_id", 0, 168, "no clock has number 0"),
        ("reserved", 1, 172, "a reserved field is set"),
    ],
)
def test_field_that_makes_no_sense_is_refused(field: str, value: object, offset: int, reason: str) -> None:
    fields = replace(GOOD)
    setattr(fields, field, value)
    with pytest.raises(WireError, match=re.escape(reason)) as caught:
        parse(fields)
    assert caught.value.offset == offset


@pytest.mark.parametrize("length", [0, 199, 4095])
def test_file_that_ends_within_its_header_is_refused(length: int) -> None:
    with pytest.raises(WireError, match=f"byte {length}: the file ends within its header page"):
        parse_header(GOOD.page()[:length], length)
