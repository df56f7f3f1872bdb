"""What the collector of a directory says of itself, and whether one runs at all."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..capture.autostart import is_collected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..config import Config

__all__ = ["CollectorStatus", "GovernedProcess", "is_running", "read_status"]


@dataclass(frozen=True, slots=True)
class GovernedProcess:
    """A process of whose traces something is left out, as tracing cost it too much.

    ``share`` is the part of its CPU time that tracing takes now, ``boundaries`` that of what is always recorded.
    """

    pid: int
    level: int
    share: float
    boundaries: float


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """The last word of a collector, which may be running or gone.

    Times are Unix nanoseconds, counts run from its start. ``lag_ns`` is how far it was behind the newest event it
    read, ``error`` the last thing that went wrong, empty if nothing did. ``workers_cpu_ns`` is CPU time of the traced
    processes, ``tracing_ns`` what tracing took of that.
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
    workers_cpu_ns: int = 0
    tracing_ns: int = 0
    error: str = ""
    governed: tuple[GovernedProcess, ...] = ()


def read_status(config: Config) -> CollectorStatus | None:
    """None where no collector has written one, or what is there is none."""
    try:
        written: Any = json.loads(Path(config.status_path).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(written, dict):
        return None
    known = cast("dict[str, Any]", written)
    names = (field.name for field in fields(CollectorStatus) if field.name not in {"error", "governed"})
    numbers = {name: known.get(name) for name in names}
    if not all(isinstance(value, int | None) for value in numbers.values()):
        return None
    governed = tuple(_governed(known.get("governed")))
    error = str(known.get("error") or "")
    return CollectorStatus(**{name: value or 0 for name, value in numbers.items()}, error=error, governed=governed)


def _governed(told: object) -> Iterator[GovernedProcess]:
    """The processes that a status names; one of which it says nonsense is left out."""
    for each in cast("list[dict[str, Any]]", told) if isinstance(told, list) else ():
        try:
            yield GovernedProcess(int(each["pid"]), int(each["level"]), float(each["share"]), float(each["boundaries"]))
        except (LookupError, TypeError, ValueError):
            continue


def is_running(config: Config) -> bool:
    """Whether a collector holds the lock of the directory."""
    return is_collected(config.lock_path)
