"""The store: whether it can be read, how large it is, and what did not get there."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...store import Reader, StoreError
from ..format import format_bytes
from .check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...config import Config
    from ...store import SegmentLosses, StoreInfo

_REASONS: Final[Mapping[str, str]] = {
    "lapped": "overwritten before they were read: raise segment.lane_bytes, or give the collector more of a processor",
    "full": "refused by a full lane: raise segment.lane_bytes, or give the collector more of a processor",
    "no_lane": "of threads that found no lane: raise segment.lanes",
    "reentrant": "made while another was being written in the same thread",
    "too_big": "larger than a block: raise segment.block_bytes, or lower capture.max_value_bytes",
    "no_space": "for want of memory: free some, raise its limit, or set segment.dir to another place",
    "definitions_full": "names that had no room left: raise segment.definitions_bytes, or free memory in segment.dir",
    "forked": "cut by a fork",
    "timed_out": "that waited for room in vain: raise segment.lane_bytes, or give the collector more of a processor",
}

__all__ = ["check_losses", "check_store", "store_info"]


def store_info(config: Config) -> StoreInfo | StoreError:
    """What the store holds, or why it cannot be read."""
    try:
        with Reader(config.store_dir) as store:
            return store.info()
    except StoreError as error:
        return error


def check_store(config: Config, found: StoreInfo | StoreError) -> Check:
    if isinstance(found, StoreError):
        if not Path(config.store_dir).exists():
            advice = "trace a server with scope run, or start scope collect beside one that is traced"
            return Check("store", "warning", f"{config.store_dir} is not there yet", (advice,))
        return Check("store", "failure", str(found))
    summary = (
        f"{format_bytes(found.bytes)} of {format_bytes(config.store.retention_bytes)}: {found.requests} requests,"
        f" {found.open_requests} open, in {len(found.slices)} slices"
    )
    facts = {name: value for name, value in asdict(found).items() if name not in {"slices", "segments"}}
    return Check("store", "ok", summary, facts=facts)


def check_losses(found: StoreInfo | StoreError) -> Check:
    """Events that did not arrive, of the processes whose requests are still kept."""
    if isinstance(found, StoreError):
        return Check("losses", "ok", "unknown, as there is no store to say")
    by_reason: Counter[str] = Counter()
    for process in found.segments:
        by_reason.update({reason: lost for reason, lost in process.lost.items() if lost})
    if not by_reason:
        return Check("losses", "ok", "none", facts={"total": 0, "by_reason": {}, "processes": []})
    advice = (f"{lost} {reason}, {_REASONS.get(reason, '')}".rstrip(", ") for reason, lost in by_reason.most_common())
    losers = [process for process in found.segments if any(process.lost.values())]
    details = (*advice, *(line for process in losers for line in _of_process(process)))
    facts = {
        "total": by_reason.total(),
        "by_reason": dict(by_reason),
        "processes": [{"pid": each.pid, "lost": each.lost, "lanes": each.lanes} for each in losers],
    }
    return Check("losses", "warning", f"{by_reason.total()} events were lost", details, facts)


def _of_process(process: SegmentLosses) -> Iterator[str]:
    """What one process lost, in which of its lanes."""
    name = f"{process.service} ({process.pid})" if process.service else f"process {process.pid}"
    yield f"{name}: {_sums(process.lost)}{', ended' if process.ended else ''}"
    for lane, lost in process.lanes.items():
        if _sums(lost):
            yield f"    {f'lane {lane}' if lane >= 0 else 'of no lane'}: {_sums(lost)}"


def _sums(lost: Mapping[str, int]) -> str:
    return ", ".join(f"{events} {reason}" for reason, events in lost.items() if events)
