"""Whether the process that a segment belongs to lives, asked often."""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .._core import Segment

_CPU_SCHEDULED: Final = 2


class Owner:
    """The owner of ``segment``.

    While the process that has its pid now has not ended, it lives, and one system call tells so. Else the segment is
    asked, which reads files: the pid may be another's by then, or count in another namespace.
    """

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._file = -1
        self._poll: select.poll | None = None
        if hasattr(os, "pidfd_open"):
            self._watch(segment.pid)

    def _watch(self, pid: int) -> None:
        try:
            self._file = os.pidfd_open(pid)
        except OSError:  # there is none, or no descriptor is left
            return
        if not self._segment.alive():
            os.close(self._file)
            return
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def is_alive(self) -> bool:
        if self._poll is not None and not self._poll.poll(0):
            return True
        return self._segment.alive()

    def cpu_ns(self) -> int | None:
        """CPU time that the process has used; None where it cannot be told, as of one that ended."""
        if self._poll is None:
            return None
        try:
            # As clock_getcpuclockid(3) makes it of a pid on Linux: the complement, above three bits that say of what.
            return time.clock_gettime_ns(~self._segment.pid << 3 | _CPU_SCHEDULED)
        except OSError:
            return None

    def close(self) -> None:
        if self._poll is not None:
            os.close(self._file)
            self._poll = None
