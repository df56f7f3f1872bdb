"""A traced process gone bad: it has a sound segment of its own, and then writes there what no writer ever would.

``python -m tests.processes.chaos.hostile WAY`` does it as fast as it can until it is killed; :data:`WAYS` are the ways.
"""

from __future__ import annotations

import mmap
import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from struct import pack_into
from typing import TYPE_CHECKING, Final, TypeAlias

from scope._core import Session
from scope.config import load, prepare_dirs
from scope.model import EventType
from scope.wire.header import parse_header
from scope.wire.layout import LANE_LOSSES_OFFSET, LANE_WRITER_OFFSET, PAGE_BYTES, SEGMENT_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable

    from scope.wire.header import Header

MIB: Final = 1 << 20
BLOCK: Final = 16 * 1024
Memory: TypeAlias = "bytearray | mmap.mmap"
Put: TypeAlias = "Callable[[Memory, int, int], int]"
HUGE: Final = (1 << 64) - 1
FULL: Final = 1
"""The reason that a GAP gives."""


@dataclass
class Prey:
    """The hostile process's own segment, writable as a whole."""

    path: Path
    header: Header
    memory: mmap.mmap

    @classmethod
    def make(cls, *, lanes: int = 4, lane_bytes: int = MIB, definitions_bytes: int = 256 * 1024) -> Prey:
        config = load()
        prepare_dirs(config)
        path = Path(config.segment.dir, f"{os.getpid()}-hostile.seg")
        Session(
            str(path),
            lanes=lanes,
            first_lane_bytes=lane_bytes,
            lane_bytes=lane_bytes,
            definitions_bytes=definitions_bytes,
            resource={"service.name": "hostile"},
        )
        file = os.open(path, os.O_RDWR)
        memory = mmap.mmap(file, 0)
        os.close(file)
        return cls(path, parse_header(memory[:PAGE_BYTES], len(memory)), memory)

    def set_tail(self, lane: int, tail: int) -> None:
        """Also the intent, as an honest writer has it."""
        pack_into("<QQ", self.memory, self.header.lane_control(lane) + LANE_WRITER_OFFSET, tail, tail + BLOCK)


def stamped(record_type: int, words: int, position: int, key: int = 0) -> int:
    return record_type | words << 8 | (position >> 3 & 0xFFFFFF) << 24 | (key >> 32 & 0xFFFF) << 48


def fill_lap(
    into: Memory,
    at: int,
    size: int,
    position: int,
    put: Put,
) -> None:
    """Blocks from ``position`` on, ``put(memory, offset, position)`` writing records and giving their bytes."""
    for block in range(0, size, BLOCK):
        pack_into("<QQ", into, at + block, stamped(EventType.BLOCK, 2, position + block), 0)
        offset = 16
        while offset < BLOCK - 512:
            offset += put(into, at + block + offset, position + block + offset)
        fill = (BLOCK - offset) // 8
        pack_into("<Q", into, at + block + offset, stamped(EventType.FILL, fill, position + block + offset))


class Records:
    """Well-formed records, each of a request that is new."""

    def __init__(self) -> None:
        self._key = 1

    def mark(self, memory: Memory, at: int, position: int) -> int:
        self._key += 1
        header = stamped(EventType.MARK, 4, position)
        pack_into("<QQII", memory, at, header, time.monotonic_ns(), self._key, 0)
        pack_into("<II", memory, at + 24, 1, 0)
        return 32

    def begin(self, memory: Memory, at: int, position: int) -> int:
        """A request that will never end, with a path of some length."""
        self._key += 1
        pack_into(
            "<QQII", memory, at, stamped(EventType.REQUEST_BEGIN, 32, position), time.monotonic_ns(), self._key, 0
        )
        pack_into("<II16sQQBBHI", memory, at + 24, 1, 0, os.urandom(16), self._key, 0, 1, 0, 0, 0)
        pack_into("<H3sH160sHH", memory, at + 72, 3, b"GET", 160, b"/" + b"x" * 159, 0, 0)
        return 256

    def gap(self, memory: Memory, at: int, position: int) -> int:
        """A loss, and a request for it to touch."""
        pack_into("<QQQQ", memory, at, stamped(EventType.GAP, 4, position), time.monotonic_ns(), 3, FULL)
        return 32 + self.mark(memory, at + 32, position + 32)


def flood(put: Put, lane_bytes: int = MIB) -> None:
    """All lanes, lap after lap."""
    prey = Prey.make(lane_bytes=lane_bytes)
    position = 0
    while True:
        for lane in range(prey.header.lanes):
            fill_lap(prey.memory, prey.header.lane_data(lane), lane_bytes, position, put)
            prey.set_tail(lane, position + lane_bytes)
        position += lane_bytes


def events() -> None:
    flood(Records().mark)


def requests() -> None:
    flood(Records().begin)


def gaps() -> None:
    flood(Records().gap)


def burst() -> None:
    """As much as a lane can hold of the smallest records, there at a stroke."""
    flood(Records().mark, 64 * MIB)


def noise() -> None:
    """Anything anywhere beyond the header."""
    prey, dice = Prey.make(), random.Random(1)
    while True:
        at = dice.randrange(prey.header.control_offset, len(prey.memory) - 4096) & ~7
        length = dice.choice((8, 64, 512, 4096))
        prey.memory[at : at + length] = dice.randbytes(length)
        tail = dice.choice((HUGE - BLOCK, 7, dice.randrange(1 << 40) & ~7, dice.randrange(8 * MIB) & ~7))
        prey.set_tail(dice.randrange(prey.header.lanes), tail)


def counters() -> None:
    """Losses beyond what anybody can count, up and down."""
    prey, dice = Prey.make(), random.Random(1)
    while True:
        for lane in range(prey.header.lanes):
            start = prey.header.lane_control(lane) + LANE_LOSSES_OFFSET
            pack_into("<8Q", prey.memory, start, *(dice.choice((0, HUGE, HUGE // 3)) for _ in range(8)))
        time.sleep(0.001)


def definitions() -> None:
    """As many as there is room for, none longer than its frame."""
    prey = Prey.make(definitions_bytes=16 * MIB)
    start = prey.header.definitions_offset
    prey.memory[start : start + 16 * MIB] = (16).to_bytes(16, "little") * MIB
    pack_into("<QQ", prey.memory, prey.header.control_offset + 64, 16 * MIB, MIB)
    time.sleep(3600)


def header() -> None:
    """The page that never changes, changed all the time."""
    prey, dice = Prey.make(), random.Random(1)
    while True:
        prey.memory[: SEGMENT_HEADER.size] = dice.randbytes(SEGMENT_HEADER.size)
        prey.set_tail(0, dice.randrange(MIB) & ~7)
        time.sleep(0.001)


def numbers() -> None:
    """Sound but for numbers of the process that no process has."""
    prey = Prey.make()
    pack_into("<QQ", prey.memory, 128, HUGE, HUGE)
    pack_into("<QQQ", prey.memory, 176, 0, 0, HUGE)
    time.sleep(3600)


def cut() -> None:
    """A file that is cut and grows again under its reader."""
    prey = Prey.make()
    size = len(prey.memory)
    while True:
        os.truncate(prey.path, 8192)
        time.sleep(0.0005)
        os.truncate(prey.path, size)
        time.sleep(0.0005)


def holes() -> None:
    """Lanes that are said to be full, with nothing in them: no memory stands behind them."""
    prey = Prey.make(lanes=64)
    tail = 0
    while True:
        tail += MIB
        for lane in range(1, prey.header.lanes):
            prey.set_tail(lane, tail)
        time.sleep(0.001)


def copies() -> None:
    """The segments of others under names of its own."""
    directory = Path(load().segment.dir)
    while True:
        for path in directory.glob("*.seg"):
            copy = path.with_name(f"0-copy-of-{path.name}")
            if not path.name.startswith("0-copy") and not copy.exists():
                copy.write_bytes(path.read_bytes())
        time.sleep(0.01)


WAYS: Final = {
    way.__name__: way
    for way in (events, requests, gaps, burst, noise, counters, definitions, header, numbers, cut, holes, copies)
}
FLOODS: Final = ("events", "requests", "gaps", "burst")
DAMAGES: Final = tuple(WAYS.keys() - FLOODS)

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
