"""Who keeps every segment open, and reads what its owner had committed once that is dead.

The collector removes a segment that it has stored; what is open stays readable. The reading is that of ``scope.wire``
and of nothing that the collector uses.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scope.model import EventType
from scope.wire.errors import WireError
from scope.wire.lane import Record, read_ring
from scope.wire.layout import FIRST_EVENT_TYPE, LOSS_REASONS
from scope.wire.segment import SegmentFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

LOOK_S: Final = 0.02
_OF_PROCESSES: Final = frozenset({EventType.OUTSIDE_STEP, EventType.GC_PAUSE, EventType.SHUTDOWN})
ENDING: Final = 200
"""So many of a lane's last events are compared byte for byte."""


@dataclass(frozen=True, slots=True)
class FinalLane:
    """What a dead process left in a lane: the events it committed, those it lost by reason, and the last records."""

    number: int
    events: int
    lost: dict[str, int]
    ending: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Remains:
    """What a dead process left. ``lost`` are the events that no lane could count."""

    uuid: str
    pid: int
    lanes: tuple[FinalLane, ...]
    lost: dict[str, int]

    @property
    def events(self) -> int:
        return sum(lane.events for lane in self.lanes)

    def lost_for(self, reason: str) -> int:
        return self.lost[reason] + sum(lane.lost[reason] for lane in self.lanes)


class Held(SegmentFile):
    """A segment that stays open after its file is gone."""

    def is_owner_alive(self) -> bool:
        """A process that has ended writes nothing more, nor does any thread of it."""
        directory = Path(f"/proc/{self.header.pid}")
        try:
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
            threads = len(list((directory / "task").iterdir()))
        except OSError:
            return False
        return int(fields[19]) == self.header.start_ticks and (fields[0] not in "ZX" or threads > 1)

    def final(self) -> Remains:
        """What its owner, who is dead, left."""
        lanes = tuple(self._final_lane(number) for number in range(self.header.lanes))
        return Remains(self.header.uuid.hex, self.header.pid, lanes, _by_reason(self.losses))

    def _final_lane(self, number: int) -> FinalLane:
        control = self.lane(number)
        lost = _by_reason(control.losses)
        if not control.tail:
            return FinalLane(number, 0, lost, frozenset())
        capacity, block = self.header.lane_capacity(number), self.header.block_bytes
        ring = self._read(self.header.lane_data(number), capacity)
        last = (control.tail - 1) // block * block
        # What lies before these blocks may have been overwritten.
        start = max(0, last - min(capacity - block, 4 * block))
        reading = read_ring(ring, start, control.tail, block)
        if reading.damaged:
            raise WireError(0, f"lane {number} is damaged between {start} and {control.tail}")
        return FinalLane(number, _next_event(reading.records, last), lost, _ending(reading.records))


def _next_event(records: Sequence[Record], last: int) -> int:
    """The number of the event that would have come next, by the last block."""
    here = [record for record in records if record.position >= last]
    return int.from_bytes(here[0].data[8:16], "little") + len(_events(here))


def _events(records: Sequence[Record]) -> list[bytes]:
    return [record.data for record in records if record.data[0] >= FIRST_EVENT_TYPE]


def _ending(records: Sequence[Record]) -> frozenset[bytes]:
    return frozenset(event for event in _events(records)[-ENDING:] if not _is_outside(event))


def _is_outside(event: bytes) -> bool:
    """Whether the event is none of a request's: it is stored as a row, not as a record."""
    return event[0] in _OF_PROCESSES and not int.from_bytes(event[6:8] + event[16:20], "little")


def _by_reason(losses: Sequence[int]) -> dict[str, int]:
    return dict(zip(LOSS_REASONS, losses, strict=True))


class Witness:
    """Watches ``directory``, where segments are made, while the block runs; afterwards everybody has to be dead."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: dict[str, Held] = {}
        self._known: set[str] = set()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run)
        self.finals: dict[str, Remains] = {}

    def living(self) -> list[int]:
        """The pids of those that have a segment and live."""
        with self._lock:
            return sorted(held.header.pid for held in self._held.values() if held.is_owner_alive())

    def look(self) -> None:
        """Open what has come, and read to its end whatever has no living owner."""
        with self._lock:
            self._open_new()
            for name, held in list(self._held.items()):
                if not held.is_owner_alive():
                    with held:
                        self.finals[held.header.uuid.hex] = held.final()
                    del self._held[name]

    def _open_new(self) -> None:
        for path in self._directory.glob("*.seg"):
            if path.name not in self._known:
                with suppress(OSError, WireError):  # not finished yet, or never to be
                    self._held[path.name] = Held(path)
                    self._known.add(path.name)

    def _run(self) -> None:
        while not self._over.wait(LOOK_S):
            self.look()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.look()
        for held in self._held.values():
            held.__exit__(kind, error, traceback)
