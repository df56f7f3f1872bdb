"""Which code is the application's own: neither the interpreter's, nor a library's, nor ours."""

# Importing pathlib would cost a traced process more than all of this.
from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from typing import Final

_LIBRARY_FOLDERS: Final = frozenset({"site-packages", "dist-packages", "node_modules"})
_GENERATED: Final = ("_pb2.py", "_pb2_grpc.py")


@dataclass(frozen=True, slots=True)
class Ownership:
    """``folders`` hold the application's code: the project, and whatever else a server was told to look in.

    ``packages`` are top-level modules that are the application's wherever they are, as an application is that was
    installed to be started.
    """

    folders: tuple[str, ...]
    packages: frozenset[str] = frozenset()

    def owns(self, module: str, file: str) -> bool:
        """Whether the source in ``file``, an absolute path, is the application's own."""
        if _is_ours(file):
            return False
        if module.partition(".")[0] in self.packages:
            return True
        return _is_below(file, self.folders) and not is_library(file)


def is_library(file: str) -> bool:
    """Whether an installation put ``file`` there: the interpreter's or that of a library."""
    return not _LIBRARY_FOLDERS.isdisjoint(file.split(os.sep)) or _is_below(file, _interpreter())


def is_generated(file: str) -> bool:
    """Whether a program wrote ``file``, as its name tells."""
    return file.endswith(_GENERATED)


def _is_ours(file: str) -> bool:
    return _is_below(file, _our_folders())


def _is_below(file: str, folders: tuple[str, ...]) -> bool:
    return any(file.startswith(folder) for folder in folders)


@cache
def _interpreter() -> tuple[str, ...]:
    """The folders of the standard library, with a separator at the end; that of an environment's parent, too."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple(
        {os.path.join(sysconfig.get_path(name), "") for name in names}
        | {os.path.join(os.path.dirname(os.__file__), "")}
    )


@cache
def _our_folders() -> tuple[str, ...]:
    here = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    return (os.path.join(here, ""), os.path.join(os.path.dirname(here), "integrations", ""))


def search_folders() -> tuple[str, ...]:
    """Where Python looks for modules that no installation put there, each with a separator at the end."""
    folders = (os.path.abspath(entry) for entry in sys.path)
    return tuple(
        os.path.join(folder, "") for folder in dict.fromkeys(folders) if not is_library(os.path.join(folder, ""))
    )
