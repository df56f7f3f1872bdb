"""The modules of a code base, parsed."""

from __future__ import annotations

import ast
import os
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Module", "Unreadable", "read_modules"]

_SKIPPED: Final = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist", "venv"})
_LARGEST_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Module:
    """A file that was parsed; ``name`` is dotted, ``file`` relative to the top of what is analysed."""

    name: str
    file: str
    tree: ast.Module
    is_package: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be parsed, and why."""

    file: str
    reason: str


def read_modules(path: Path) -> tuple[list[Module], list[Unreadable]]:
    """Every Python file at or below ``path``, in order of its name; hidden and installed ones are passed over.

    So are links to what is elsewhere, and pipes and the like. Nothing is imported. Raises FileNotFoundError where there
    is no ``path``.
    """
    top = path.parent if path.is_file() else path
    modules: list[Module] = []
    unreadable: list[Unreadable] = []
    for file in [path] if path.is_file() else sorted(_files(path)):
        try:
            modules.append(_parse(top, file))
        except (SyntaxError, UnicodeError, OSError, ValueError, RecursionError, MemoryError) as error:
            unreadable.append(Unreadable(file.relative_to(top).as_posix(), str(error) or type(error).__name__))
    return modules, unreadable


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        raise FileNotFoundError(path)
    top = path.resolve()
    for directory, below, names in os.walk(path):
        here = Path(directory)
        below[:] = [name for name in below if not _is_skipped(here / name)]
        files = (here / name for name in names if name.endswith(".py"))
        yield from (file for file in files if file.is_file() and file.resolve().is_relative_to(top))


def _is_skipped(directory: Path) -> bool:
    name = directory.name
    return name.startswith(".") or name in _SKIPPED or (directory / "pyvenv.cfg").exists()


def _parse(top: Path, file: Path) -> Module:
    if file.stat().st_size > _LARGEST_BYTES:
        raise ValueError(f"larger than {_LARGEST_BYTES >> 20} MiB")
    with tokenize.open(file) as text:
        tree = ast.parse(text.read(), filename=str(file), type_comments=False)
    return Module(_name(top, file), file.relative_to(top).as_posix(), tree, file.name == "__init__.py")


def _name(top: Path, file: Path) -> str:
    """The name by which it is imported.

    It begins with the outermost package that the file is in, also where directories in between have no
    ``__init__.py``; where there is no package, with what is next below ``top``, a directory ``src`` aside.
    """
    parts = [] if file.name == "__init__.py" else [file.stem]
    below: list[str] = []
    directory = file.parent
    while (is_package := (directory / "__init__.py").exists()) or (directory != top and top in directory.parents):
        below.append(directory.name)
        if is_package:
            parts += below
            below = []
        directory = directory.parent
    if len(parts) <= 1:
        parts += below[:-1] if below and below[-1] == "src" else below
    return ".".join(reversed(parts)) or file.stem
