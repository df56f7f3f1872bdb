"""What the collector of a directory says of itself, and whether one runs at all."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..capture.autostart import is_collected

if TYPE_CHECKING:
    from ..config import Config

__all__ = ["CollectorStatus", "is_running", "read_status"]


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """The last word of a collector, which may be running or gone.

    Times are Unix nanoseconds, counts run from its start. ``lag_ns`` is how far it was behind the newest event it
    read, ``error`` the last thing that went wrong, empty if nothing did.
    """

    pid: int = 0
    started_ns: int = 0
    updated_ns: int = 0
    cpu_ns: int = 0
    rss_bytes: int = 0
    segments: int = 0
    events: int = 0
    requests: int = 0
    lost: int = 0
    lag_ns: int = 0
    error: str = ""


def read_status(config: Config) -> CollectorStatus | None:
    """None where no collector has written one, or what is there is none."""
    try:
        written: Any = json.loads(Path(config.status_path).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(written, dict):
        return None
    known = cast("dict[str, Any]", written)
    numbers = {field.name: known.get(field.name) for field in fields(CollectorStatus) if field.name != "error"}
    if not all(isinstance(value, int | None) for value in numbers.values()):
        return None
    return CollectorStatus(**{name: value or 0 for name, value in numbers.items()}, error=str(known.get("error") or ""))


def is_running(config: Config) -> bool:
    """Whether a collector holds the lock of the directory."""
    return is_collected(config.lock_path)
