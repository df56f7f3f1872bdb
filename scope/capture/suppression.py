"""Code whose requests, spans and calls are not captured."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._core import restore, suppress

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def suppressed() -> Generator[None]:
    """Capture nothing of what the block does, nor of the tasks and threads that it starts."""
    before = suppress()
    try:
        yield
    finally:
        restore(before)
