"""What running processes are asked to record for a while: a file in the session directory.

``scope probe`` writes it. The collector looks at it, and tells every process by a number in its control word that what
is in force has changed; a process then reads it, at its next request.
"""

# Importing pathlib would cost a traced process more than all of this.
# ruff: noqa: PTH105, PTH123
from __future__ import annotations

import fcntl
import json
import os
import zlib
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["ProbeWish", "changing_probe_wishes", "generation", "in_force", "read_probe_wishes", "write_probe_wishes"]


@dataclass(frozen=True, slots=True)
class ProbeWish:
    """A rule of a Plan (``shop.pricing.*=timing``) that holds until a moment, in Unix nanoseconds."""

    rule: str
    until_ns: int


def read_probe_wishes(path: str) -> tuple[ProbeWish, ...]:
    """What the file says, in order; nothing where there is none, or where it is damaged."""
    try:
        with open(path, encoding="utf-8") as file:
            found = cast("list[dict[str, Any]]", json.load(file))
        return tuple(ProbeWish(str(each["rule"]), int(each["until_ns"])) for each in found)
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def write_probe_wishes(path: str, wishes: tuple[ProbeWish, ...]) -> None:
    """Put ``wishes`` in the place of those in the file; whoever reads it meets the one or the other. Raises OSError."""
    temporary = f"{path}.{os.getpid()}"
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        json.dump([asdict(wish) for wish in wishes], stream)
    os.replace(temporary, path)


@contextmanager
def changing_probe_wishes(path: str) -> Generator[None]:
    """Two people who change the file at a time do so one after the other. Raises OSError."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def in_force(wishes: tuple[ProbeWish, ...], now_ns: int) -> tuple[ProbeWish, ...]:
    """Those whose time has not come to an end."""
    return tuple(wish for wish in wishes if wish.until_ns > now_ns)


def generation(wishes: tuple[ProbeWish, ...]) -> int:
    """A number of 32 bits that differs where other wishes are in force; 0 stands for none."""
    text = json.dumps([asdict(wish) for wish in wishes])
    return (zlib.crc32(text.encode()) or 1) if wishes else 0
