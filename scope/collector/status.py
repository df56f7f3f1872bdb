"""What a collector says of itself, in a file that others read."""

# The paths are str like all of the configuration's.
# ruff: noqa: PTH105, PTH108
from __future__ import annotations

import json
import logging
import os
import resource
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from .own_file import open_own

if TYPE_CHECKING:
    from collections.abc import Callable

    from .governing import Governed

logger = logging.getLogger("scope.collector")

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")

TELL_NS: Final = 1_000_000_000
SILENT_NS: Final = 5_000_000_000
"""How often the file is written: while there is something new, and while there is nothing."""


@dataclass(slots=True)
class Status:
    """Counters since the start; times are Unix nanoseconds, ``cpu_ns`` is CPU time of the collector.

    ``lag_ns`` is the time since all that had been read was stored. ``workers_cpu_ns`` is CPU time of the traced
    processes while they were read, ``tracing_ns`` what tracing took of it; ``governed`` are those of whose traces
    something is left out. ``error`` is what goes wrong now, or "".
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
    workers_cpu_ns: int = 0
    tracing_ns: int = 0
    governed: list[Governed] = field(default_factory=list["Governed"])
    error: str = ""

    def write(self, path: str) -> None:
        """Replace the file at ``path`` as a whole; on a full disk what is in it. Raises OSError."""
        self.updated_ns = time.time_ns()
        self.cpu_ns = _cpu_ns()
        self.rss_bytes = _rss_bytes()
        text = json.dumps(asdict(self)).encode()
        try:
            _replace(path, text)
        except OSError:
            _overwrite(path, text)


def _replace(path: str, text: bytes) -> None:
    draft = f"{path}.draft"
    try:
        with suppress(FileNotFoundError):
            os.unlink(draft)
        file = open_own(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(file, "wb") as written:
            written.write(text)
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _overwrite(path: str, text: bytes) -> None:
    """Needs no room where the file is there; who reads meanwhile may find a mixture, and reads again."""
    file = open_own(path, os.O_WRONLY)
    try:
        os.pwrite(file, text.ljust(os.fstat(file).st_size), 0)
    finally:
        os.close(file)


class StatusFile:
    """The file at ``path``; ``clock`` gives monotonic nanoseconds."""

    def __init__(self, path: str, clock: Callable[[], int]) -> None:
        self._path = path
        self._clock = clock
        self._written: int | None = None
        self._trouble = ""

    def is_due(self, status: Status, error: str, *, stirred: bool) -> bool:
        """Whether to write ``status`` with ``error``: at once when that comes or goes.

        ``stirred``: something has happened since it was written.
        """
        if self._written is None or error != status.error:
            return True
        return self._clock() - self._written >= (TELL_NS if stirred else SILENT_NS)

    def update(self, status: Status, error: str) -> None:
        """Write ``status`` with ``error``; when that comes or goes, it is in the log, too."""
        if error != status.error:
            logger.warning("%s", f"{error}; capture goes on, and this is tried again" if error else "stored again")
        status.error = error
        self._written = self._clock()
        self._write(status)

    def _write(self, status: Status) -> None:
        trouble = ""
        try:
            status.write(self._path)
        except OSError as error:
            trouble = f"cannot write {self._path}: {error.strerror}"
        if trouble and trouble != self._trouble:
            logger.warning("%s", trouble)
        self._trouble = trouble


def _cpu_ns() -> int:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return round((usage.ru_utime + usage.ru_stime) * 1e9)


def _rss_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as text:  # noqa: PTH123
        return int(text.read().split()[1]) * PAGE_BYTES
