"""What a process wrote of no request, as rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scope.model import Event, EventType
from scope.store.process_records import ProcessRecord, process_records
from scope.wire.encode import encode_records
from scope.wire.layout import MINIMUM_BYTES

LANE = Event(EventType.LANE, 5, payload={"thread_id": 7, "generation": 1, "thread_name": "MainThread"})
STEP = Event(EventType.OUTSIDE_STEP, 1_000, site=3, payload={"waited_ns": 40, "ran_ns": 300, "flags": 2})
PAUSE = Event(EventType.GC_PAUSE, 2_000, payload={"lasted_ns": 500, "generation": 2, "collected": 9})
SHUTDOWN = Event(EventType.SHUTDOWN, 3_000)


def read(*events: Event, offset_ns: int = 10_000) -> list[ProcessRecord]:
    return list(process_records([(1, 64, encode_records(events))], offset_ns))


def test_a_step_has_its_times_its_thread_and_its_site() -> None:
    [found] = read(LANE, STEP)
    assert found == ProcessRecord(1, 64, "step", 10_700, 300, 40, "MainThread", site=3, left_over=1)


def test_a_pause_has_its_generation() -> None:
    [found] = read(PAUSE)
    assert found == ProcessRecord(1, 64, "gc", 11_500, 500, generation=2, collected=9)


def test_a_shutdown_is_a_moment() -> None:
    assert read(SHUTDOWN) == [ProcessRecord(1, 64, "shutdown", 13_000)]


@given(st.binary(max_size=64), st.sampled_from([0x41, 0x42, 0x43]), st.integers(-(1 << 62), 1 << 62))
def test_whatever_a_damaged_segment_says_can_be_stored(noise: bytes, kind: int, offset_ns: int) -> None:
    size = MINIMUM_BYTES[kind]
    record = (kind | (size // 8) << 8).to_bytes(8, "little") + noise
    for row in process_records([(0, 0, record[:size].ljust(size, b"\xff")), (0, 0, noise)], offset_ns):
        assert all(0 <= value < 1 << 63 for value in row if isinstance(value, int))
