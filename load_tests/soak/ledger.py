"""What each writer has tried to write, in a file of shared memory that survives the writer's death.

A slot of four words per writer: carried events, then all events. Of each the number that was begun is stored before the
call and the number that was done after it, so that whoever is killed leaves both, at most one call apart.
"""

from __future__ import annotations

import mmap
import os
import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

SLOTS: Final = 256
_SLOT: Final = Struct("<4Q")
_WORD: Final = Struct("<Q")
_SUFFIX: Final = ".ledger"


@dataclass(frozen=True, slots=True)
class Account:
    """Of one writer: its number, then carried events and all events, each as begun and as done."""

    writer: int
    carried_begun: int
    carried_done: int
    begun: int
    done: int


class Pen:
    """A writer: numbers its events and keeps account of them. One thread holds it at a time."""

    def __init__(self, memory: mmap.mmap, slot: int, writer: int) -> None:
        self._memory = memory
        self._at = slot * _SLOT.size
        self.writer = writer
        self._carried, _, self._begun, self._done = _SLOT.unpack_from(memory, self._at)

    @contextmanager
    def carries(self) -> Generator[int]:
        """The call within the block writes one event, which carries this number."""
        number = self._carried
        self._carried += 1
        self._put(0, self._carried)
        with self.writes(1):
            yield number
        self._put(1, self._carried)

    @contextmanager
    def writes(self, events: int) -> Generator[None]:
        """What is done within the block writes so many events, besides those of blocks within it."""
        self._begun += events
        self._put(2, self._begun)
        yield
        self._done += events
        self._put(3, self._done)

    def _put(self, word: int, value: int) -> None:
        _WORD.pack_into(self._memory, self._at + word * _WORD.size, value)


class Ledger:
    """The ledger of this process in ``directory``; pens are given out and taken back."""

    def __init__(self, directory: Path) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(5)}"
        path = directory / f"{self.name}{_SUFFIX}"
        path.write_bytes(bytes(SLOTS * _SLOT.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self._free = list(reversed(range(SLOTS)))
        self._lock = threading.Lock()

    @contextmanager
    def pen(self) -> Generator[Pen]:
        """A pen that nobody else holds during the block."""
        with self._lock:
            slot = self._free.pop()
        yield Pen(self._memory, slot, _writer(self.name, slot))
        with self._lock:
            self._free.append(slot)

    @classmethod
    def read(cls, directory: Path) -> dict[int, list[Account]]:
        """The accounts of all processes that kept a ledger in ``directory``, by pid."""
        found: dict[int, list[Account]] = {}
        for path in sorted(directory.glob(f"*{_SUFFIX}")):
            found.setdefault(int(path.stem.partition("-")[0]), []).extend(_accounts(path.stem, path.read_bytes()))
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.close()


def _accounts(name: str, data: bytes) -> Iterator[Account]:
    for slot, numbers in enumerate(_SLOT.iter_unpack(data)):
        if numbers[2]:
            yield Account(_writer(name, slot), *numbers)


def _writer(name: str, slot: int) -> int:
    """A number that no other writer of the soak has."""
    return int(name.partition("-")[2], 16) * SLOTS + slot
