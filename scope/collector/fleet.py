"""The traced processes of a session directory: found, read, and removed once they are dead and stored."""

# Ten times a second: no pathlib.
# ruff: noqa: PTH108, PTH118, PTH208
from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Final

from .._core import Segment
from ..store import SegmentInfo
from .source import Source, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core import Correlator
    from ..store import Restored, Writer

logger = logging.getLogger("scope.collector")

YOUNG_NS: Final = 1_000_000_000
"""A file that changed this lately may become a segment yet."""


class Fleet:
    """All segments of ``directory``.

    A file that is no sound segment is told of once and left alone; it is looked at again when it changes.
    ``restored`` is where an earlier collector stopped.
    """

    def __init__(self, directory: str, correlator: Correlator, writer: Writer) -> None:
        self._directory = directory
        self._correlator = correlator
        self._writer = writer
        self._restored: Restored = writer.restore()
        self._sources: dict[str, Source] = {}
        self._refused: dict[str, tuple[int, int]] = {}

    def __iter__(self) -> Iterator[Source]:
        return iter(self._sources.values())

    def __len__(self) -> int:
        return len(self._sources)

    @property
    def refused(self) -> int:
        """Files in the directory that are no sound segments."""
        return len(self._refused)

    def scan(self) -> None:
        """Take up segments that have come since the last scan."""
        try:
            names = {name for name in os.listdir(self._directory) if name.endswith(".seg")}
        except OSError as error:
            logger.warning("cannot look for segments: %s", error)
            return
        for name in names - self._sources.keys():
            self._take_up(name)
        for name in self._refused.keys() - names:
            del self._refused[name]

    def _take_up(self, name: str) -> None:
        path = os.path.join(self._directory, name)
        state = _state(path)
        if state is None or self._refused.get(name) == state:
            return
        try:
            segment = Segment(path)
        except (OSError, ValueError) as error:
            if time.time_ns() - state[0] < YOUNG_NS:
                return  # its process may be making it
            self._refused[name] = state
            logger.warning("left alone: %s", error)
            return
        self._refused.pop(name, None)
        self._sources[name] = self._attach(segment, path)

    def _attach(self, segment: Segment, path: str) -> Source:
        entries = segment.definitions()
        number = self._writer.register(_info(segment, entries))
        source = Source(segment, path, number, self._correlator.add(segment, number))
        known = self._restored.definitions.get(segment.uuid, 0)
        source.definitions, source.fresh = known, entries[known:]
        segment.restore_heads(self._restored.heads.get(segment.uuid, ()))
        for request in self._restored.open:
            if request.segment == segment.uuid:
                for piece in request.pieces:
                    self._correlator.restore(source.slot, request.key, piece)
        logger.info("process %d: reading %s", segment.pid, path)
        return source

    def drain(self) -> tuple[int, bool]:
        """One pass over every segment: the events read, and whether the correlator had room for all."""
        events, whole = 0, True
        for name, source in list(self._sources.items()):
            if source.dead:
                continue
            try:
                count, complete = self._correlator.drain(source.slot)
            except ValueError as error:
                self._give_up(name, source, str(error))
                continue
            events += count
            whole = whole and complete
            source.fresh += source.segment.definitions()
        return events, whole

    def _give_up(self, name: str, source: Source, reason: str) -> None:
        """A segment that turned out unsound: what was read of it is stored, the file left alone."""
        logger.warning("given up: %s", reason)
        self._refused[name] = _state(source.path) or (0, 0)
        self._correlator.abort(source.slot)
        source.dead = True

    def find_dead(self) -> None:
        """Mark the segments of processes proven dead, after a last look at what they wrote."""
        for source in self._sources.values():
            if not source.dead and not source.segment.alive():
                while not self._correlator.drain(source.slot)[1]:
                    return  # the correlator is full: after the next commit
                source.fresh += source.segment.definitions()
                self._correlator.abort(source.slot)
                source.dead = True

    def news(self) -> tuple[dict[int, tuple[int, list[bytes]]], dict[int, tuple[int, ...]], dict[int, dict[str, int]]]:
        """Definitions, heads and losses that the store has not been told, by segment; they count as told now."""
        definitions: dict[int, tuple[int, list[bytes]]] = {}
        heads: dict[int, tuple[int, ...]] = {}
        losses: dict[int, dict[str, int]] = {}
        for source in self._sources.values():
            if (now := source.segment.heads()) != source.heads:
                heads[source.number] = source.heads = now
            if (lost := self._correlator.losses(source.slot)) != source.losses:
                losses[source.number] = source.losses = lost
            if source.fresh:
                definitions[source.number] = source.definitions + 1, source.fresh
                source.definitions += len(source.fresh)
                source.fresh = []
        return definitions, heads, losses

    def publish(self) -> None:
        """What the store was told is stored: let the writers know."""
        for source in self._sources.values():
            source.segment.publish_heads(source.heads)

    def bury(self) -> None:
        """Remove the segments that are dead; everything of them is stored."""
        for name, source in list(self._sources.items()):
            if not source.dead:
                continue
            del self._sources[name]
            self._correlator.remove(source.slot)
            source.segment.close()
            self._writer.drop_segment(source.number)
            if name not in self._refused:
                _unlink(source.path)
                logger.info("process %d: dead and stored", source.segment.pid)

    def close(self) -> None:
        for source in self._sources.values():
            source.segment.close()


def _state(path: str) -> tuple[int, int] | None:
    """What changes when the file does; None where it is gone."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _info(segment: Segment, entries: list[bytes]) -> SegmentInfo:
    resource = resource_of(entries)
    service, host = resource.get("service.name"), resource.get("host.name")
    return SegmentInfo(
        uuid=segment.uuid,
        pid=segment.pid,
        service=service if isinstance(service, str) else "",
        host=host if isinstance(host, str) else "",
        started_ns=segment.clocks[2],
    )


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        logger.warning("cannot remove a stored segment: %s", error)
