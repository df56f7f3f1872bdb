"""A segment file is read as far as it is sound, and refused with a reason where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scope.model import Event, EventType
from scope.wire.definitions import encode_definition
from scope.wire.encode import encode_record
from scope.wire.errors import WireError
from scope.wire.layout import PAGE_BYTES
from scope.wire.segment import SegmentFile

from .samples import DEFINITIONS
from .segment_builder import BLOCK_BYTES, LANE_BYTES, HeaderFields, LaneWriter, build_segment

ENTRIES = [encode_definition(definition) for definition in DEFINITIONS]


def entry(time_ns: int) -> Event:
    return Event(EventType.FUNCTION_ENTER, time_ns, 1, 2, 1, 1)


def lane_of(count: int) -> LaneWriter:
    lane = LaneWriter()
    for number in range(count):
        lane.write(entry(number))
    return lane


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "4711.seg"


def test_lanes_are_read_one_by_one(path: Path) -> None:
    path.write_bytes(build_segment([lane_of(3), lane_of(5)]))
    with SegmentFile(path) as segment:
        assert [len([*segment.read(number).events()]) for number in range(2)] == [1 + 3, 1 + 5]
        assert segment.lane(1).sequence == 5
        with pytest.raises(IndexError, match="lane 2 of 2"):
            segment.read(2)


def test_control_word_and_losses_of_the_process_are_read(path: Path) -> None:
    path.write_bytes(build_segment([lane_of(1)], control=1 << 40, losses=(0, 0, 9, 0, 0, 0, 0, 1, 5)))
    with SegmentFile(path) as segment:
        assert segment.control == 1 << 40
        assert segment.losses == (0, 0, 9, 0, 0, 0, 0, 1, 5)


def test_what_is_stored_is_not_read_again(path: Path) -> None:
    lane = lane_of(4)
    lane.head = 16 + 2 * 32
    path.write_bytes(build_segment([lane]))
    with SegmentFile(path) as segment:
        assert [event.time_ns for event in segment.read(0).events()] == [2, 3]


def test_lapped_lane_gives_its_last_blocks_and_says_how_much_is_gone(path: Path) -> None:
    """The block before the one being written is whole; the one after it may be torn."""
    lane = lane_of(3000)
    path.write_bytes(build_segment([lane]))
    with SegmentFile(path) as segment:
        reading = segment.read(0)
    assert reading.lapped_bytes == lane.intent - LANE_BYTES
    assert reading.damaged == 0
    assert [(record.position, record.data) for record in reading.records] == [
        (position, encode_record(event, position))
        for position, event in lane.written
        if position >= lane.intent - LANE_BYTES
    ]


@pytest.mark.parametrize("policy", [0, 1, 2])
def test_announcement_is_honoured_whatever_the_policy_in_the_header(path: Path, policy: int) -> None:
    """It may have been another one when the block was entered."""
    lane = lane_of(3000)
    path.write_bytes(build_segment([lane], header=HeaderFields(lanes=1, policy=policy)))
    with SegmentFile(path) as segment:
        assert segment.read(0).lapped_bytes == lane.intent - LANE_BYTES


@pytest.mark.parametrize("intent", [0, BLOCK_BYTES + 8])
def test_announcement_that_no_writer_makes_is_refused(path: Path, intent: int) -> None:
    lane = lane_of(3)
    lane.intent = intent
    path.write_bytes(build_segment([lane]))
    with SegmentFile(path) as segment, pytest.raises(WireError, match=f"announced up to {intent}"):
        segment.read(0)


def test_definitions_are_those_written_so_far(path: Path) -> None:
    path.write_bytes(build_segment([lane_of(1)], ENTRIES))
    with SegmentFile(path) as segment:
        assert segment.definitions() == ENTRIES


@pytest.mark.parametrize("tail", [4, PAGE_BYTES + 8])
def test_definitions_beyond_their_area_are_refused(path: Path, tail: int) -> None:
    data = bytearray(build_segment([lane_of(1)], ENTRIES))
    data[PAGE_BYTES + 64 : PAGE_BYTES + 72] = tail.to_bytes(8, "little")
    path.write_bytes(data)
    with SegmentFile(path) as segment, pytest.raises(WireError, match=f"written up to {tail} of 4096 bytes"):
        segment.definitions()


def test_file_that_shrinks_while_it_is_read_is_an_error(path: Path) -> None:
    path.write_bytes(build_segment([lane_of(1)]))
    with SegmentFile(path) as segment:
        os.truncate(path, 5 * PAGE_BYTES)
        with pytest.raises(WireError, match="byte 20480: the file has been cut short"):
            segment.read(0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "ends within its header page"), (b"\x7fELF".ljust(8192, b"\0"), "not a segment file")],
    ids=["empty", "foreign"],
)
def test_foreign_file_is_refused(path: Path, data: bytes, reason: str) -> None:
    path.write_bytes(data)
    with pytest.raises(WireError, match=reason):
        SegmentFile(path)


def test_truncated_file_is_refused(path: Path) -> None:
    path.write_bytes(build_segment([lane_of(1)])[:-1])
    with pytest.raises(WireError, match="it says 49152 bytes; the file has 49151"):
        SegmentFile(path)


def test_pipe_is_refused_and_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(WireError, match="not a regular file"):
        SegmentFile(path)


def test_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.seg"
    target.write_bytes(build_segment([lane_of(1)]))
    path.symlink_to(target)
    with pytest.raises(OSError, match=r"Too many levels of symbolic links|symbolic link"):
        SegmentFile(path)


def test_file_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(build_segment([lane_of(1)]))
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(WireError, match="it belongs to another user"):
        SegmentFile(path)


def test_file_that_is_refused_is_not_left_open(path: Path) -> None:
    path.write_bytes(b"")
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(3):
        with pytest.raises(WireError):
            SegmentFile(path)
    assert len([*Path("/proc/self/fd").iterdir()]) == before
