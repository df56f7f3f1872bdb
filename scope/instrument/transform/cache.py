"""Compiled code with stand-ins, kept apart from ``__pycache__``: a folder for each Plan and interpreter.

A file has a check and a marshalled code object, or a marshalled None where the Plan wants nothing of the module; or,
for the engine that transforms nothing, the places of the functions that the Plan wants.
Whatever is wrong with the folder or a file, the module is compiled again and the program runs.
"""

# Importing pathlib would cost a traced process more than all of this.
from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from .nodes import Decided

VERSION: Final = 3
"""Counts changes of the transformation: what an earlier one compiled is not used."""

_NOTHING: Final = object()

Key = tuple[str, str, int, int]
"""Module, file, its time of change in ns and its size in bytes."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the cache knows of a module; ``code`` is None where nothing in it is probed."""

    code: CodeType | None


class CodeCache:
    """The folder ``root/DIGEST-INTERPRETER``, made on first use."""

    def __init__(self, root: str, digest: str) -> None:
        optimized = f"-opt{sys.flags.optimize}" if sys.flags.optimize else ""
        self.folder = os.path.join(root, f"{digest}-{sys.implementation.cache_tag}{optimized}-{VERSION}")
        with suppress(OSError):
            os.utime(self.folder)  # the collector removes what nobody began with for days

    def get(self, key: Key) -> Found | None:
        content = self._read(self._path(key, "code"), key)
        return Found(content) if content is None or isinstance(content, CodeType) else None

    def get_places(self, key: Key) -> dict[tuple[int, str], Decided] | None:
        """What was kept of the places of planned functions; None: nothing."""
        content = self._read(self._path(key, "places"), key)
        return cast("dict[tuple[int, str], Decided]", content) if isinstance(content, dict) else None

    def put(self, key: Key, content: CodeType | dict[tuple[int, str], Decided] | None) -> None:
        """Keep code or places; where that is impossible, nothing happens."""
        if sys.dont_write_bytecode:
            return
        path = self._path(key, "places" if isinstance(content, dict) else "code")
        temporary = f"{path}.{os.getpid()}"
        with suppress(OSError):
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(file, "wb") as stream:
                stream.write(_head(key) + marshal.dumps(content))
            os.replace(temporary, path)

    def _read(self, path: str, key: Key) -> object:
        """What the file has for this state of the source; _NOTHING where it has none."""
        try:
            with open(path, "rb") as file:
                head, content = file.read(len(_head(key))), file.read()
            if head != _head(key):
                return _NOTHING
            return marshal.loads(content)  # noqa: S302 - our own directory, which nobody else can write to
        except (OSError, ValueError, EOFError, TypeError):
            return _NOTHING

    def _path(self, key: Key, kind: str) -> str:
        module, file, _, _ = key
        digest = hashlib.sha256(f"{module}\0{file}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return os.path.join(self.folder, f"{digest}.{kind}")


def _head(key: Key) -> bytes:
    """What a file begins with: the magic number of the interpreter's code, and the state of the source."""
    _, _, time_ns, size = key
    return importlib.util.MAGIC_NUMBER + time_ns.to_bytes(8, "little", signed=True) + size.to_bytes(8, "little")
