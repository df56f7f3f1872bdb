"""Lets calls of the C library fail or last in other processes, by the library of ``faults.c`` preloaded into them."""

from __future__ import annotations

import errno
import mmap
import os
import shlex
import subprocess
from pathlib import Path
from struct import pack_into, unpack_from
from typing import Final

FUNCTIONS: Final = (
    "open",
    "pwrite",
    "write",
    "fsync",
    "fdatasync",
    "ftruncate",
    "fallocate",
    "mmap",
    "rename",
    "unlink",
    "mkdir",
    "pread",
)
"""In the order of ``faults.c``."""
FOR_EVER: Final = 1 << 40
_ERRNO, _CALLS = 0, 8 * 8


def build(directory: Path) -> Path:
    """The library, built with the compiler that the core needs, too."""
    library = directory / "faults.so"
    source = Path(__file__).with_name("faults.c")
    compiler = shlex.split(os.environ.get("CC", "cc"))
    subprocess.run([*compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


class Faults:
    """The faults of one process and its children: of calls about files below ``under`` only."""

    def __init__(self, library: Path, under: Path, page: Path) -> None:
        page.write_bytes(bytes(4096))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 4096)
        self.environment = {"LD_PRELOAD": str(library), "FAULTS": str(page), "FAULTS_UNDER": str(under)}

    @classmethod
    def inherited(cls) -> Faults:
        """Those that this process runs under itself."""
        faults = cls.__new__(cls)
        with open(os.environ["FAULTS"], "r+b") as file:  # noqa: PTH123 - Path.open is more calls
            faults._page = mmap.mmap(file.fileno(), 4096)
        faults.environment = {}
        return faults

    def fail(self, error: str, *functions: str, first: int = 1, count: int = FOR_EVER) -> None:
        """From now on let the ``first`` call of each of ``functions``, and those after it, fail with ``error``."""
        self._set(getattr(errno, error), functions, first, count, 0)

    def delay(self, milliseconds: int, *functions: str) -> None:
        self._set(0, functions, 1, 0, milliseconds * 1000)

    def end(self) -> None:
        """Nothing fails or lasts any more."""
        pack_into("<qq", self._page, _ERRNO, 0, 0)

    def calls(self) -> dict[str, int]:
        """How often each was called since the last call of a method above, but :meth:`end`."""
        return dict(zip(FUNCTIONS, unpack_from(f"<{len(FUNCTIONS)}q", self._page, _CALLS), strict=True))

    def _set(self, number: int, functions: tuple[str, ...], first: int, count: int, delay_us: int) -> None:
        mask = sum(1 << FUNCTIONS.index(name) for name in functions)
        self.end()
        pack_into(f"<{len(FUNCTIONS)}q", self._page, _CALLS, *[0] * len(FUNCTIONS))
        pack_into("<qqq", self._page, _ERRNO + 16, first, count, delay_us)
        pack_into("<qq", self._page, _ERRNO, number, mask)
