"""The interpreters to measure: those that are named, else the newest of each version of CPython that is found."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUPPORTED = range(11, 15)
ASK = "import sys; print(sys.implementation.name, *sys.version_info[:3])"


class NoInterpreterError(RuntimeError):
    """There is none to measure, or what was named is none."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython that we support."""

    path: Path
    version: tuple[int, int, int]

    @property
    def minor(self) -> str:
        """As in ``3.12``."""
        return f"{self.version[0]}.{self.version[1]}"

    def __str__(self) -> str:
        return f"CPython {'.'.join(map(str, self.version))}"


def interpreters(named: Sequence[str]) -> list[Interpreter]:
    """Those that are ``named``, by path or by a name on the PATH; else what is found there and what pyenv has laid out.

    Raises:
        NoInterpreterError: One that is named is no CPython that we support, or none is found.
    """
    if named:
        return [_named(name) for name in named]
    found = newest(item for path in candidates() if (item := asked(path)) is not None)
    if not found:
        raise NoInterpreterError("no CPython from 3.11 on is found on the PATH or of pyenv: name one")
    return found


def candidates() -> list[Path]:
    """Where an interpreter may be."""
    on_path = [shutil.which(f"python3.{minor}") for minor in SUPPORTED]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return [*(Path(path) for path in on_path if path), *sorted(pyenv.glob("versions/*/bin/python3"))]


def newest(found: Iterable[Interpreter]) -> list[Interpreter]:
    """The newest of each minor version, the oldest version first."""
    best: dict[str, Interpreter] = {}
    for item in found:
        if item.minor not in best or best[item.minor].version < item.version:
            best[item.minor] = item
    return sorted(best.values(), key=lambda item: item.version)


def asked(path: Path) -> Interpreter | None:
    """The interpreter at ``path``; None where there is none, or one that we do not support."""
    try:
        done = subprocess.run([path, "-I", "-c", ASK], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answered(path, done.stdout) if done.returncode == 0 else None


def answered(path: Path, output: str) -> Interpreter | None:
    """What ``ASK`` has printed, understood."""
    words = output.split()
    if len(words) != 4 or words[0] != "cpython":
        return None
    major, minor, micro = map(int, words[1:])
    return Interpreter(path, (major, minor, micro)) if major == 3 and minor in SUPPORTED else None


def _named(name: str) -> Interpreter:
    item = asked(Path(shutil.which(name) or name))
    if item is None:
        raise NoInterpreterError(f"{name} is no CPython from 3.{SUPPORTED[0]} to 3.{SUPPORTED[-1]}")
    return item
