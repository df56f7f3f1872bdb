"""The segments in the segment directory: live, dead, foreign or damaged."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..._core import Segment
from .check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...config import Config
    from .check import Status

__all__ = ["SegmentState", "check_segments", "living", "segment_states"]

_Kind: TypeAlias = Literal["live", "dead", "foreign", "damaged"]


@dataclass(frozen=True, slots=True)
class SegmentState:
    """One segment file; ``reason`` tells why it cannot be read. Live is one whose process runs or is stopped."""

    name: str
    kind: _Kind
    pid: int | None = None
    reason: str = ""


def check_segments(config: Config) -> Check:
    try:
        states = list(segment_states(config.segment.dir))
    except OSError as error:
        return Check("segments", "failure", f"{config.segment.dir}: {error.strerror}")
    counts = {kind: sum(state.kind == kind for state in states) for kind in ("live", "dead", "foreign", "damaged")}
    summary = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "none"
    facts = {"directory": config.segment.dir, **counts, "segments": [asdict(state) for state in states]}
    details = tuple(detail for state in states if (detail := _detail(state)))
    status: Status = "failure" if counts["damaged"] else "warning" if counts["dead"] or counts["foreign"] else "ok"
    return Check("segments", status, summary, details, facts)


def segment_states(folder: str) -> Iterator[SegmentState]:
    """Every segment in ``folder`` (none if there is no such folder); raises OSError where it cannot be listed."""
    if not Path(folder).is_dir():
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.endswith(".seg"):
            yield _state(entry)


def living(folder: str) -> list[Path]:
    """The segments in ``folder`` whose processes run or are stopped. Raises OSError where it cannot be listed."""
    return [Path(folder, state.name) for state in segment_states(folder) if state.kind == "live"]


def _state(entry: os.DirEntry[str]) -> SegmentState:
    try:
        if entry.stat(follow_symlinks=False).st_uid != os.geteuid():
            return SegmentState(entry.name, "foreign", reason="it belongs to another user")
        segment = Segment(entry.path)
    except OSError as error:
        return SegmentState(entry.name, "damaged", reason=error.strerror or str(error))
    except ValueError as error:
        return SegmentState(entry.name, "damaged", reason=str(error))
    try:
        return SegmentState(entry.name, "live" if segment.alive() else "dead", segment.pid)
    finally:
        segment.close()


def _detail(state: SegmentState) -> str:
    if state.kind == "dead":
        return f"{state.name}: process {state.pid} is gone; scope collect --once takes what it left"
    return f"{state.name}: {state.kind}, {state.reason}" if state.reason else ""
