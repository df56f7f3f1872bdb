"""What people wish of the running processes, as the word that tells them."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from ..config.probe_wishes import generation, in_force, read_probe_wishes
from ..config.wishes import Wishes, read_wishes
from ..wire.control import control_word

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("scope.collector")


class Steering:
    """The wishes in the file at ``path``, and those of probes in the file at ``probes_path``.

    They are looked at often, so the one is read again only when it has changed. The other is small, and not there
    unless somebody asks; ``clock`` (Unix nanoseconds) tells when what it asks for is over.
    """

    def __init__(self, path: str, probes_path: str = "", clock: Callable[[], int] = time.time_ns) -> None:
        self._path = path
        self._probes_path = probes_path
        self._clock = clock
        self._version: tuple[int, int, int] | None = None
        self._wishes = Wishes()

    @property
    def word(self) -> int:
        """The control word for every process. A file that cannot be understood changes nothing, and is told of once."""
        version = self._look()
        if version != self._version:
            self._version = version
            self._read()
        probes = in_force(read_probe_wishes(self._probes_path), self._clock())
        return control_word(self._wishes.overflow) | generation(probes)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path, follow_symlinks=False)  # noqa: PTH116 - a str, often
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> None:
        try:
            wishes = read_wishes(self._path)
        except ValueError as error:
            logger.warning("nothing is changed: %s", error)
            return
        if wishes != self._wishes:
            logger.info("segment.overflow: %s", wishes.overflow or "as each process was started")
        self._wishes = wishes
