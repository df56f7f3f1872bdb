"""Tickets: what only one request of all processes can have.

A ticket is a file in a directory of its own. The request that makes it has it, and the file holds that request's id.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["holder_of", "new_ticket", "prune_tickets"]

_STALE_S: Final = 3600.0


def new_ticket() -> str:
    """One that nobody has."""
    return secrets.token_hex(4)


def holder_of(directory: str, ticket: str) -> str | None:
    """The id of the request that took the ticket; None where none has."""
    try:
        return Path(directory, ticket).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None


def prune_tickets(directory: str, kept: Iterable[str]) -> None:
    """Remove other tickets that were taken long ago: a process that still asked for one could take it again."""
    names = frozenset(kept)
    for path in Path(directory).iterdir():
        with suppress(OSError):
            if path.name not in names and time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()
