"""Waiting for what happens in another process: for a condition, never for a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE_S = 30.0


def eventually(look: Callable[[], T], *, within_s: float = PATIENCE_S, pause_s: float = 0.02) -> T:
    """What ``look`` gives once that is true; AssertionError with the last of it if it does not become so in time."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {found!r}")
        time.sleep(pause_s)
    return found
