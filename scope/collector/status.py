"""What a collector says of itself, in a file that others read."""

# The paths are str like all of the configuration's.
# ruff: noqa: PTH105
from __future__ import annotations

import json
import os
import resource
import time
from dataclasses import asdict, dataclass
from typing import Final

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Status:
    """Counters since the start; times are Unix nanoseconds, ``cpu_ns`` is CPU time of the collector.

    ``lag_ns`` is the age of the oldest thing that was read but not yet stored. ``error`` is what goes wrong now, or "".
    """

    pid: int
    started_ns: int
    updated_ns: int = 0
    cpu_ns: int = 0
    rss_bytes: int = 0
    segments: int = 0
    refused: int = 0
    events: int = 0
    requests: int = 0
    open: int = 0
    lost: int = 0
    lag_ns: int = 0
    error: str = ""

    def write(self, path: str) -> None:
        """Replace the file at ``path`` as a whole. Raises OSError."""
        self.updated_ns = time.time_ns()
        self.cpu_ns = _cpu_ns()
        self.rss_bytes = _rss_bytes()
        draft = f"{path}.{self.pid}"
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as text:
            json.dump(asdict(self), text)
        os.replace(draft, path)


def _cpu_ns() -> int:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return round((usage.ru_utime + usage.ru_stime) * 1e9)


def _rss_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as text:  # noqa: PTH123
        return int(text.read().split()[1]) * PAGE_BYTES
