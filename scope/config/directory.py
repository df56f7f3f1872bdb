"""Directories that nobody but this user can write to."""

# Importing pathlib would cost a traced process more than the rest of its configuration.
# ruff: noqa: PTH100, PTH102, PTH118, PTH120
from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from .errors import DirectoryError

if TYPE_CHECKING:
    from .settings import Config

__all__ = ["prepare_dir", "prepare_dirs", "why_unsafe"]


def prepare_dirs(config: Config) -> None:
    """Make the directories that a run writes to; as :func:`prepare_dir`. Version control is told to pass them over."""
    prepare_dir(config.dir)
    prepare_dir(config.segment.dir)
    path = os.path.join(config.dir, ".gitignore")
    with suppress(OSError):  # it is there; or it cannot be written, which is no reason not to trace
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as text:
            text.write(b"*\n")


def prepare_dir(path: str | os.PathLike[str]) -> None:
    """Make ``path``, and what is missing above it, with mode 0700; a directory that is there already must be safe.

    Safe means: no link, ours, and not writable by group or others. Raises DirectoryError where it is not, or where it
    cannot be made; the message says what to do.
    """
    path = os.path.abspath(path)
    try:
        _make(path)
        status = os.lstat(path)
    except OSError as error:
        advice = "set SCOPE_DIR to a directory that you can write to"
        raise DirectoryError(f"cannot make {path}: {error.strerror}; {advice}") from error
    if problem := why_unsafe(path, status):
        raise DirectoryError(f"{path} is not safe to write to: {problem}")


def _make(path: str) -> None:
    """Like os.makedirs, but what it makes above is private, too, whatever the umask."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        above = os.path.dirname(path)
        if above == path or os.path.lexists(above):
            raise
        _make(above)
        _make(path)


def why_unsafe(path: str, status: os.stat_result) -> str | None:
    """What makes a directory with this status unsafe to write to, and what to do about it; None where nothing does."""
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return "it is a symbolic link; name the directory itself"
    if not stat.S_ISDIR(mode):
        return "it is not a directory; remove it or set SCOPE_DIR"
    if status.st_uid != os.geteuid():
        return f"it belongs to user {status.st_uid}, not to {os.geteuid()}; remove it or set SCOPE_DIR"
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others can write to it; run: chmod go-w {path}"
    return None
