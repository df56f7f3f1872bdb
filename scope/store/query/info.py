"""What is kept, and what was lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..schema import MAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..files import StoreFiles
    from .archive import Archive

__all__ = ["SegmentLosses", "SliceInfo", "StoreInfo", "read_info"]


@dataclass(frozen=True, slots=True)
class SliceInfo:
    """A slice of time and what it takes of the disk; ``requests`` counts those that are stored whole."""

    start_ns: int
    end_ns: int
    bytes: int
    requests: int


@dataclass(frozen=True, slots=True)
class SegmentLosses:
    """A traced process whose requests are kept; ``lost`` counts its events that did not arrive, by reason.

    ``lanes`` has the same for each lane that lost any; lane -1 stands for what no lane could count.
    """

    uuid: str
    pid: int
    service: str
    host: str
    started_ns: int
    ended: bool
    lost: Mapping[str, int] = field(default_factory=dict[str, int])
    lanes: Mapping[int, Mapping[str, int]] = field(default_factory=dict[int, "Mapping[str, int]"])


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """``bytes`` is everything below ``directory``; ``slices`` are the oldest first."""

    directory: str
    schema_version: int
    bytes: int
    main_bytes: int
    requests: int
    open_requests: int
    slices: tuple[SliceInfo, ...]
    segments: tuple[SegmentLosses, ...]


def read_info(archive: Archive, files: StoreFiles) -> StoreInfo:
    slices = _slices(archive, files)
    open_requests = archive.main.rows("SELECT count(*) FROM requests")[0][0]
    return StoreInfo(
        directory=str(files.directory),
        schema_version=MAIN.version,
        bytes=files.total_bytes(),
        main_bytes=files.bytes(files.main),
        requests=sum(each.requests for each in slices),
        open_requests=open_requests,
        slices=slices,
        segments=_segments(archive),
    )


def _slices(archive: Archive, files: StoreFiles) -> tuple[SliceInfo, ...]:
    found: list[SliceInfo] = []
    for bounds in reversed(archive.slices()):
        database = archive.slice(bounds.start_ns)
        if database is not None:
            count = database.rows("SELECT coalesce(sum(length(requests)) / 8, 0) FROM blocks")[0][0]
            size = files.bytes(files.slice(bounds.start_ns))
            found.append(SliceInfo(bounds.start_ns, bounds.end_ns, size, count))
    return tuple(found)


def _segments(archive: Archive) -> tuple[SegmentLosses, ...]:
    lost: dict[int, dict[str, int]] = {}
    for segment, reason, events in archive.main.rows("SELECT segment, reason, events FROM losses ORDER BY reason"):
        lost.setdefault(segment, {})[reason] = events
    lanes: dict[int, dict[int, dict[str, int]]] = {}
    sql = "SELECT segment, lane, reason, events FROM lane_losses ORDER BY lane, reason"
    for segment, lane, reason, events in archive.main.rows(sql):
        lanes.setdefault(segment, {}).setdefault(lane, {})[reason] = events
    rows = archive.main.rows("SELECT number, uuid, pid, service, host, started_ns, ended FROM segments ORDER BY number")
    return tuple(
        SegmentLosses(uuid, pid, service, host, started_ns, bool(ended), lost.get(number, {}), lanes.get(number, {}))
        for number, uuid, pid, service, host, started_ns, ended in rows
    )
