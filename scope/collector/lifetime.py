"""When a traced process began and when it was gone, as far as the collector can tell."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ..store.process_records import BY_COLLECTOR, ProcessRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Segment

__all__ = ["Lifetime"]

SECOND_NS: Final = 1_000_000_000
_START, _EXIT = 0, 1


@dataclass(slots=True)
class Lifetime:
    """The life of the process that ``segment`` belongs to; ``clock`` gives CLOCK_MONOTONIC in nanoseconds.

    Its records stand where every collector puts them, so each is stored once, whoever finds it out again.
    """

    segment: Segment
    clock: Callable[[], int] = time.monotonic_ns
    _seen_ns: int = 0
    _fresh: list[ProcessRecord] = field(default_factory=list[ProcessRecord])

    def __post_init__(self) -> None:
        self._fresh.append(ProcessRecord(BY_COLLECTOR, _START, "start", self._started_ns()))

    @property
    def clock_offset_ns(self) -> int:
        """What Unix time is ahead of CLOCK_MONOTONIC, as in every time of the process's requests."""
        monotonic_ns, _, realtime_ns = self.segment.clocks
        return realtime_ns - monotonic_ns

    def seen(self) -> None:
        """It lives now."""
        self._seen_ns = self.clock() + self.clock_offset_ns

    def found_dead(self, latest_ns: int) -> None:
        """It is gone; ``latest_ns`` is the Unix time of the latest event that it wrote, 0 where it wrote none."""
        now_ns = self.clock() + self.clock_offset_ns
        alive_ns = min(max(self._seen_ns, latest_ns, self.segment.clocks[2]), now_ns)
        self._fresh.append(ProcessRecord(BY_COLLECTOR, _EXIT, "exit", alive_ns, now_ns - alive_ns))

    def take(self) -> list[ProcessRecord]:
        """What was found out since the last call."""
        taken, self._fresh = self._fresh, []
        return taken

    def _started_ns(self) -> int:
        """By the time of its start since boot, which a segment has in ticks; the segment came no earlier."""
        _, boottime_ns, realtime_ns = self.segment.clocks
        since_boot_ns = self.segment.start_ticks * SECOND_NS // os.sysconf("SC_CLK_TCK")
        return realtime_ns - max(0, boottime_ns - since_boot_ns)
