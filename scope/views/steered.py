"""What the collector has told a traced process, by its segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.control import policy_in_force, wished_policy
from ..wire.errors import WireError
from ..wire.segment import SegmentFile

if TYPE_CHECKING:
    from pathlib import Path


def policy_of(path: Path) -> str | None:
    """What a full lane of the process does; None where the segment is gone."""
    try:
        with SegmentFile(path) as segment:
            return policy_in_force(segment.control, segment.header.policy)
    except (OSError, WireError):
        return None


def is_told(path: Path, overflow: str | None) -> bool:
    """Whether the process has been told that wish; one that is gone needs not be."""
    try:
        with SegmentFile(path) as segment:
            return wished_policy(segment.control) == overflow
    except (OSError, WireError):
        return True
