"""What people want of running processes, kept in the session directory: the collector makes it so.

A file beside the settings and not one of their sources: it holds for all processes of the directory, also for those
that come later, and overrules what each of them was started with until it is withdrawn.
"""

# Paths are str like all of the configuration's.
# ruff: noqa: PTH105, PTH108
from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, cast

from .settings import KEYS, Overflow

__all__ = ["WISHABLE", "Wishes", "read_wishes", "write_wishes"]

WISHABLE: Final = ("segment.overflow",)
"""The keys that can be wished for."""

_LONGEST: Final = 4096
_NEVER: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Wishes:
    """``overflow``: what a full lane shall do; None as each process was started."""

    overflow: Overflow | None = None


def read_wishes(path: str) -> Wishes:
    """What the file at ``path`` says; nothing is wished for where there is none.

    Raises ValueError, which says what is wrong, for a file that cannot be read or was not written by
    :func:`write_wishes`.
    """
    try:
        file = os.open(path, os.O_RDONLY | _NEVER)
    except FileNotFoundError:
        return Wishes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    with os.fdopen(file, "rb") as opened:
        if os.fstat(file).st_uid != os.geteuid():
            raise ValueError(f"{path}: it belongs to another user")
        return _parsed(path, opened.read(_LONGEST))


def _parsed(path: str, text: bytes) -> Wishes:
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError(f"{path}: it is no JSON") from None
    overflow = cast("dict[str, object]", found).get("segment.overflow") if isinstance(found, dict) else found
    if overflow is None:
        return Wishes()
    try:
        return Wishes(KEYS["segment.overflow"].kind.parse(overflow))
    except ValueError:
        raise ValueError(f"{path}: {overflow!r} is no policy") from None


def write_wishes(path: str, wishes: Wishes) -> None:
    """Replace the file at ``path`` as a whole. Raises OSError."""
    draft = f"{path}.{os.getpid()}.draft"
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NEVER, 0o600)
    try:
        with os.fdopen(file, "w", encoding="utf-8") as written:
            json.dump({"segment.overflow": wishes.overflow}, written)
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise
