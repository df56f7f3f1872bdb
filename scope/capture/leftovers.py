"""Segments of dead processes that no collector has taken: bounded, so that memory does not fill up where none runs."""

# Importing pathlib would cost a traced process more than all of this.
from __future__ import annotations

import os
from contextlib import suppress

from .._core import Segment


def remove_leftovers(directory: str, most_bytes: int) -> int:
    """Remove the oldest segments in ``directory`` of processes proven dead, until the rest take ``most_bytes`` at most.

    Returns the number removed; what was in them is lost. Files that are no segments are left alone. Other processes may
    do the same at the same time.
    """
    dead = sorted(_dead_segments(directory), reverse=True)
    kept = removed = 0
    for _, taken, path in dead:
        kept += taken
        if kept > most_bytes:
            with suppress(OSError):
                os.unlink(path)
                removed += 1
    return removed


def _dead_segments(directory: str) -> list[tuple[int, int, str]]:
    """(time of the last change in ns, bytes taken, path) of each."""
    found: list[tuple[int, int, str]] = []
    for entry in os.scandir(directory):
        if not entry.name.endswith(".seg"):
            continue
        try:
            status = entry.stat(follow_symlinks=False)
            segment = Segment(entry.path)
        except (OSError, ValueError):
            continue
        if not segment.alive():
            found.append((status.st_mtime_ns, status.st_blocks * 512, entry.path))
        segment.close()
    return found
