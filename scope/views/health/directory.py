"""The session directory and that of the segments: there, ours, and not writable by others."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from ...config.directory import why_unsafe
from .check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...config import Config

__all__ = ["check_directory"]


def check_directory(config: Config) -> Check:
    path = config.dir
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        details = ("the first traced process or collector makes it",)
        return Check("directory", "ok", f"{path} is not there yet", details, {"path": path, "exists": False})
    except OSError as error:
        details = ("set SCOPE_DIR to a directory that you can read",)
        return Check("directory", "failure", f"{path}: {error.strerror}", details, {"path": path})
    problems = tuple(_problems(config))
    facts = {
        "path": path,
        "exists": True,
        "owner": status.st_uid,
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "problems": problems,
    }
    summary = f"{path}, mode {facts['mode']}, owner {_owner(status.st_uid)}"
    return Check("directory", "failure" if problems else "ok", summary, problems, facts)


def _problems(config: Config) -> Iterator[str]:
    """What keeps traced processes and the collector from writing there."""
    for path in (config.dir, config.segment.dir):
        with suppress(OSError):
            if problem := why_unsafe(path, os.lstat(path)):
                yield f"{path}: {problem}"


def _owner(uid: int) -> str:
    return "you" if uid == os.geteuid() else f"user {uid}"
