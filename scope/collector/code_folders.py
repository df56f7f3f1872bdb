"""Folders of compiled code that no process has begun with for days: of Plans and interpreters that are used no more.

A process marks its folder as it begins, and goes on without one: it compiles again what is gone, in a folder made
anew. So whatever is removed while it is in use costs a little time.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KEPT_S", "prune_code"]

KEPT_S: Final = 7 * 86_400.0


def prune_code(directory: str, clock: Callable[[], float] = time.time) -> None:
    """Remove folders below ``directory`` that were not used for KEPT_S; what cannot be removed stays."""
    earliest = clock() - KEPT_S
    with suppress(OSError):
        for folder in Path(directory).iterdir():
            if folder.is_dir() and not folder.is_symlink() and folder.stat().st_mtime < earliest:
                shutil.rmtree(folder, ignore_errors=True)
