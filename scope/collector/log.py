"""The log of a collector that has no terminal."""

from __future__ import annotations

import io
import os
from logging.handlers import RotatingFileHandler
from typing import Final

from .own_file import open_own

LOG_BYTES: Final = 1 << 20


class Log(RotatingFileHandler):
    """Appends to ``path``; what is older than two files of it is forgotten.

    Raises OSError where that is not a file of its own: what others have put there is not followed, waited for or
    written to.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=1)

    def _open(self) -> io.TextIOWrapper:
        file = open_own(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        return io.TextIOWrapper(os.fdopen(file, "ab"), encoding="utf-8", errors="backslashreplace")
