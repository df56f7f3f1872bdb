"""One collector per session directory: who holds the lock is it."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from .errors import CollectorRuns, LockError
from .own_file import open_own

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE_S: Final = 1.0
"""Others may hold the lock for a moment, to see whether a collector does."""


class Lock:
    """The exclusive lock of a directory, held while the block runs; the kernel lets go of it however the process ends.

    Entering raises CollectorRuns where another collector holds it, LockError where the file cannot be made.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1

    def __enter__(self) -> Self:
        try:
            self._file = open_own(self._path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            advice = "remove it, or set SCOPE_DIR to a directory that you can write to"
            raise LockError(f"cannot open {self._path}: {error.strerror}; {advice}") from error
        try:
            self._take()
            self._sign()
        except BaseException:
            os.close(self._file)
            raise
        return self

    def _sign(self) -> None:
        """Say who holds it; on a full disk nobody does."""
        with suppress(OSError):
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())

    def _take(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise CollectorRuns(self._refusal()) from None
                time.sleep(0.02)
            else:
                return

    def _refusal(self) -> str:
        owner = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
        directory = os.path.dirname(self._path)  # noqa: PTH120 - a str like all of the configuration's paths
        return f"a collector (process {owner}) already runs for {directory}; stop it or choose another SCOPE_DIR"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._file)
