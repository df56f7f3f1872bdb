"""Commands to go on with, as they have to be typed here."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...config import Config

__all__ = ["scope_command"]


def scope_command(config: Config) -> str:
    """``scope`` by the way it was called, with the option that leads to the same directory where one was given."""
    option = f" --dir {_quoted(config.dir)}" if config.sources["dir"] == "argument" else ""
    return f"{_program()}{option}"


def _program() -> str:
    called, found = Path(sys.argv[0]), shutil.which("scope")
    if called.name != "scope":
        return "python -m scope"
    return "scope" if found and Path(found).resolve() == called.resolve() else _quoted(called)


def _quoted(path: str | Path) -> str:
    """As it is typed in the working directory, where it lies below that."""
    relative = os.path.relpath(path)
    return shlex.quote(str(path) if relative.startswith(os.pardir) else relative)
