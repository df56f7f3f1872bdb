"""The segment files of a directory: which of them are sound, and which are left alone."""

# Five times a second: no pathlib.
# ruff: noqa: PTH108, PTH118, PTH208
from __future__ import annotations

import errno
import logging
import os
import time
from typing import TYPE_CHECKING, Final

from .._core import Segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

logger = logging.getLogger("scope.collector")

YOUNG_NS: Final = 1_000_000_000
"""A file that changed this lately may become a segment yet."""

_SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors that say nothing about the file."""


class SegmentFiles:
    """The files that end in ``.seg`` in ``directory``.

    One that is no sound segment is told of once and left alone; it is looked at again when it changes. ``seen_all``
    tells whether the last look was at every file, so that what it did not find is not there.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._refused: dict[str, tuple[int, int]] = {}
        self._told: dict[str, str] = {}
        self._trouble = ""
        self.seen_all = False

    def __len__(self) -> int:
        """The number of files that are left alone."""
        return len(self._refused)

    def look(self, known: Collection[str]) -> Iterator[tuple[str, Segment]]:
        """Segments that are not ``known`` by their file's name, with that name. Whoever asks closes them."""
        self.seen_all = True
        names = self._names()
        for gone in self._refused.keys() - names:
            del self._refused[gone]
        for gone in self._told.keys() - names:
            del self._told[gone]
        for name in sorted(names.difference(known)):
            segment = self._open(name)
            if segment is not None:
                yield name, segment
        if self.seen_all:
            self._trouble = ""

    def path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def leave_alone(self, name: str, reason: str) -> None:
        """Do not offer the file again while it is as it is now. One that changes all the time is told of once."""
        self._refused[name] = _state(self.path(name)) or (0, 0)
        if self._told.get(name) != reason:
            self._told[name] = reason
            logger.warning("left alone: %s", reason)

    def remove(self, name: str) -> bool:
        """Remove a segment of which all is stored, unless it is left alone; whether nobody will read it again."""
        if name in self._refused:
            return True
        try:
            os.unlink(self.path(name))
        except FileNotFoundError:
            return True
        except OSError as error:
            self.leave_alone(name, f"{self.path(name)}: it is stored but cannot be removed: {error.strerror}")
            return False
        return True

    def _names(self) -> set[str]:
        try:
            return {name for name in os.listdir(self._directory) if name.endswith(".seg")}
        except FileNotFoundError:
            return set()
        except OSError as error:
            self._miss(f"cannot look for segments in {self._directory}: {error.strerror}")
            return set(self._refused)

    def _open(self, name: str) -> Segment | None:
        path = self.path(name)
        state = _state(path)
        if state is None or self._refused.get(name) == state:
            return None
        try:
            segment = Segment(path)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in _SHORTAGES:
                self._miss(f"cannot open {path} yet: {error.strerror}")
            elif time.time_ns() - state[0] >= YOUNG_NS:
                self.leave_alone(name, str(error))
            return None
        self._refused.pop(name, None)
        return segment

    def _miss(self, trouble: str) -> None:
        """Something may have escaped this look; told of once."""
        self.seen_all = False
        if trouble != self._trouble:
            logger.warning("%s", trouble)
        self._trouble = trouble


def _state(path: str) -> tuple[int, int] | None:
    """What changes when the file does; None where it is gone."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def is_anyone_there(directory: str) -> bool:
    """Whether ``directory`` has a segment of a process that lives."""
    try:
        names = os.listdir(directory)
    except OSError:
        return False
    return any(_is_alive(os.path.join(directory, name)) for name in names if name.endswith(".seg"))


def _is_alive(path: str) -> bool:
    try:
        segment = Segment(path)
    except (OSError, ValueError):
        return False
    try:
        return segment.alive()
    finally:
        segment.close()
