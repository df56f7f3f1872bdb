"""The lock that keeps a second writer out."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from ..database import translated
from ..errors import StoreBusy

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["WriterLock"]


class WriterLock:
    """Held from its making to :meth:`release` or the end of the process. Raises StoreBusy if another holds it."""

    def __init__(self, path: Path) -> None:
        with translated(path):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._file)
                raise StoreBusy(f"another collector writes to {path.parent}: see `scope doctor`") from None

    def release(self) -> None:
        os.close(self._file)
