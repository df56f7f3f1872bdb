"""The library that kills its process at the k-th change of a file: built, loaded, armed."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
SOURCE: Final = ROOT / "tests" / "core" / "crash" / "killer.c"
LIBRARY: Final = ROOT / "build" / "killer.so"


def build() -> Path:
    """Compile it; where it is."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or "clang"
    LIBRARY.parent.mkdir(exist_ok=True)
    made = LIBRARY.with_suffix(f".{os.getpid()}")
    command = [
        compiler,
        "-std=c11",
        "-O2",
        "-shared",
        "-fPIC",
        "-Wall",
        "-Wextra",
        str(SOURCE),
        "-o",
        str(made),
        "-ldl",
    ]
    subprocess.run(command, check=True)
    return made.replace(LIBRARY)


def run_with(library: Path) -> None:
    """Begin this program anew, with ``library`` in it."""
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "LD_PRELOAD": str(library)})


def is_loaded() -> bool:
    return hasattr(ctypes.CDLL(None), "scope_killer_arm")


def arm(k: int, *, half: bool) -> None:
    """Kill this process at its k-th change from here; never, for 0. ``half``: a write is carried out by half."""
    ctypes.CDLL(None).scope_killer_arm(ctypes.c_int64(k), int(half))
