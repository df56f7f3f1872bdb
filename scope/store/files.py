"""Where the store's files are, and which of them are there."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..config.directory import why_unsafe
from .errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StoreFiles"]

_COMPANIONS: Final = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class StoreFiles:
    """The layout of a store: ``main.db``, and ``slices/<start>.db`` by the Unix nanosecond at which a slice starts."""

    directory: Path

    @property
    def main(self) -> Path:
        return self.directory / "main.db"

    @property
    def lock(self) -> Path:
        return self.directory / "writer.lock"

    @property
    def slices(self) -> Path:
        return self.directory / "slices"

    def slice(self, start_ns: int) -> Path:
        return self.slices / f"{start_ns}.db"

    def make_directories(self) -> None:
        """Raises StoreUnavailable where others could put files there."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.slices.mkdir(mode=0o700, exist_ok=True)
        for path in (self.directory, self.slices):
            if problem := why_unsafe(str(path), path.stat()):
                raise StoreUnavailable(f"{path} is not safe to write to: {problem}")

    def slice_starts(self) -> list[int]:
        """The slices that have a file, oldest first; other files are none of ours."""
        return sorted(int(path.stem) for path in self._entries() if path.suffix == ".db" and path.stem.isdecimal())

    def remove_slice(self, start_ns: int) -> None:
        """Unlink a slice with what belongs to it; readers that have it open read on."""
        path = self.slice(start_ns)
        for name in (path, *_companions(path)):
            name.unlink(missing_ok=True)

    def remove_strays(self) -> None:
        """Unlink what a reader left behind that opened a slice in the moment of its removal."""
        for path in self._entries():
            owner = path.with_name(path.name.removesuffix("-wal").removesuffix("-shm"))
            if owner != path and owner.suffix == ".db" and not owner.exists():
                path.unlink(missing_ok=True)

    def bytes(self, path: Path) -> int:
        """What ``path`` and its companions take of the disk."""
        return sum(map(_size, (path, *_companions(path))))

    def total_bytes(self) -> int:
        return self.bytes(self.main) + sum(map(_size, self._entries()))

    def _entries(self) -> Iterator[Path]:
        with suppress(FileNotFoundError), os.scandir(self.slices) as entries:
            for entry in entries:
                yield Path(entry.path)


def _companions(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + suffix) for suffix in _COMPANIONS)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
