"""Unix time for deciding what is old and what is yet to come, where the system's clock may be set at any moment.

Two readings are compared: the wall clock, and a steady clock that counts from an anchor. What is old has to be so by
both, so that a wrong date far ahead removes nothing. What has not come yet has not come by either, so that requests
whose times were taken before a step back are not of the future. A step forward is believed once it has lasted
:data:`BELIEVED_NS`, as after a start with a clock that had no battery.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BELIEVED_NS", "Calendar"]

BELIEVED_NS: Final = 24 * 3600 * 1_000_000_000


def _steady_ns() -> int:
    """Nanoseconds since boot, those asleep included: they count as age, too."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Calendar:
    """``wall`` gives Unix nanoseconds, ``steady`` nanoseconds since whenever; the two agree when this is made."""

    def __init__(self, *, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = _steady_ns) -> None:
        self._wall = wall
        self._steady = steady
        self._offset_ns = wall() - steady()
        self._ahead_since_ns: int | None = None

    def latest_ns(self) -> int:
        """The later reading: what begins after it is of the future."""
        return max(self._wall(), self._steady() + self._offset_ns)

    def earliest_ns(self) -> int:
        """The earlier reading: what is old by it is old."""
        steady_ns, wall_ns = self._steady(), self._wall()
        offset_ns = wall_ns - steady_ns
        if offset_ns <= self._offset_ns:
            self._ahead_since_ns = None
            return wall_ns
        if self._ahead_since_ns is None:
            self._ahead_since_ns = steady_ns
        if steady_ns - self._ahead_since_ns >= BELIEVED_NS:
            self._offset_ns, self._ahead_since_ns = offset_ns, None
        return steady_ns + self._offset_ns
