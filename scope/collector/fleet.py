"""The traced processes of a session directory: taken up, read, and removed once they are dead and stored."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ..store import StoreError
from ..store.process_records import ProcessRecord, process_records
from .files import SegmentFiles
from .lifetime import Lifetime
from .owner import Owner
from .round import Waiting
from .source import Source, info_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core import Correlator, Segment
    from ..store import OpenRequest, Restored, Writer
    from ..store.batch import LaneLoss

logger = logging.getLogger("scope.collector")


class News(NamedTuple):
    """What the store has not been told, by its numbers of the segments."""

    definitions: dict[int, tuple[int, list[bytes]]]
    heads: dict[int, tuple[int, ...]]
    losses: dict[int, tuple[LaneLoss, ...]]
    process: dict[int, list[ProcessRecord]]


@dataclass(slots=True)
class _Past:
    """Where an earlier collector stopped with a segment."""

    heads: tuple[int, ...] = ()
    definitions: int = 0
    losses: tuple[LaneLoss, ...] = ()
    open: list[OpenRequest] = field(default_factory=list["OpenRequest"])


class Fleet:
    """All segments of ``directory``, for one thread that drains and one that does all the rest.

    ``lock`` guards what they share: :meth:`scan` and :meth:`bury` take it, and never while they wait for the store;
    whoever calls another method holds it.
    """

    def __init__(self, directory: str, correlator: Correlator, writer: Writer) -> None:
        self.lock = threading.Lock()
        self._files = SegmentFiles(directory)
        self._correlator = correlator
        self._writer = writer
        self._past: dict[str, _Past] | None = _by_segment(writer.restore())
        self._sources: dict[str, Source] = {}
        self._kept_waiting = False
        self._lost_by_the_dead = 0

    def __len__(self) -> int:
        return len(self._sources)

    @property
    def refused(self) -> int:
        """Files in the directory that are no sound segments."""
        return len(self._files)

    @property
    def lost(self) -> int:
        """Events that were lost since this collector began."""
        return self._lost_by_the_dead + sum(source.lost for source in self._sources.values())

    @property
    def has_living(self) -> bool:
        """Whether a traced process is there, also one that the store could not be told of."""
        return self._kept_waiting or not all(source.dead for source in self._sources.values())

    # --- taking up ----------------------------------------------------------------------------------------------------

    def scan(self) -> None:
        """Take up segments that have come since the last scan; those that cannot be read are left alone.

        Raises StoreError; the rest is for the next scan.
        """
        refusal: StoreError | None = None
        self._kept_waiting = False
        for name, segment in sorted(self._files.look(self._sources.keys()), key=_is_renamed):
            try:
                if refusal is None:
                    self._take_up(name, segment)
                    continue
            except StoreError as error:
                refusal = error
            except ValueError as error:
                self._files.leave_alone(name, str(error))
                segment.close()
                continue
            self._kept_waiting = self._kept_waiting or segment.alive()
            segment.close()
        if refusal is not None:
            raise refusal
        self._forget_past()

    def _forget_past(self) -> None:
        """End what an earlier collector has left open of segments that are gone."""
        if self._past is not None and self._files.seen_all:
            self._writer.drop_absent({source.segment.uuid for source in self._sources.values()})
            self._past = None

    def _take_up(self, name: str, segment: Segment) -> None:
        """Raises ValueError where the file was cut, or is a copy: the store would take its requests for the other's."""
        others = (source.segment for source in self._sources.values())
        if other := next((other for other in others if other.uuid == segment.uuid), None):
            raise ValueError(f"{segment.path}: a copy of {other.path}; remove it")
        entries = segment.definitions()
        number = self._writer.register(info_of(segment, entries))
        past = (self._past or {}).get(segment.uuid, _Past())
        with self.lock:
            segment.restore_heads(past.heads)
            slot = self._correlator.add(segment, number)
            source = Source(segment, Owner(segment), Lifetime(segment), number, slot)
            source.definitions, source.fresh = past.definitions, entries[past.definitions :]
            segment.restore_told(past.losses)
            source.losses, source.lost_before = past.losses, sum(events for _, _, events in past.losses)
            for request in past.open:
                for piece in request.pieces:
                    self._correlator.restore(source.slot, request.key, piece)
            self._sources[name] = source
        logger.info("process %d: reading %s", segment.pid, segment.path)

    # --- reading ------------------------------------------------------------------------------------------------------

    def drain(self) -> tuple[int, bool]:
        """One pass over every segment: the events read, and whether the correlator had room for all."""
        events, whole = 0, True
        for name, source in self._sources.items():
            if not source.dead:
                count, complete = self._read(name, source)
                events += count
                whole = whole and complete
        return events, whole

    def _read(self, name: str, source: Source) -> tuple[int, bool]:
        try:
            read = self._correlator.drain(source.slot)
            source.fresh += source.segment.definitions()
        except ValueError as error:  # what was read of it is stored, the file left alone
            self._files.leave_alone(name, str(error))
            self._end(source)
            return 0, True
        return read

    def finish(self) -> Iterator[None]:
        """Read every segment to where its writers are now, and those of the dead to their end.

        Yields where something has to be stored first. A process that goes on writing does not prolong it.
        """
        for name, source in list(self._sources.items()):
            while not source.dead and not self._read(name, source)[1]:
                yield
        while not self.find_dead():
            yield

    def find_dead(self) -> bool:
        """End what processes proven dead have left open, read to their end; false where the correlator was too full."""
        for name, source in self._sources.items():
            if source.dead:
                continue
            if source.owner.is_alive():
                source.lifetime.seen()
                continue
            if not self._read(name, source)[1]:
                return False
            source.lifetime.found_dead(self._correlator.latest(source.slot))
            self._end(source)
        return True

    def _end(self, source: Source) -> None:
        if not source.dead:
            self._correlator.abort(source.slot)
            source.dead = True

    def living(self) -> list[Source]:
        """The processes that are read."""
        return [source for source in self._sources.values() if not source.dead]

    # --- storing ------------------------------------------------------------------------------------------------------

    def news(self) -> News:
        """What the store has not been told of any segment; it counts as told now."""
        news = News({}, {}, {}, {})
        for source in self._sources.values():
            if (now := source.segment.heads()) != source.heads:
                news.heads[source.number] = source.heads = now
            if (lost := source.segment.told()) != source.losses:
                news.losses[source.number] = source.losses = lost
            if source.fresh:
                news.definitions[source.number] = source.definitions + 1, source.fresh
                source.definitions += len(source.fresh)
                source.fresh = []
            if happened := self._happened(source):
                news.process[source.number] = happened
            source.settled = source.dead
        return news

    def _happened(self, source: Source) -> list[ProcessRecord]:
        """What happened to a process outside its requests since this was last asked."""
        rows = self._correlator.take_process(source.slot)
        return [*source.lifetime.take(), *process_records(rows, source.lifetime.clock_offset_ns)]

    def waiting(self) -> list[Waiting]:
        """How many finished requests of each segment are held."""
        return [
            Waiting(source.number, source.slot, self._correlator.finished(source.slot))
            for source in self._sources.values()
        ]

    def steer(self, word: int) -> None:
        """Tell every process ``word``, with what it is to leave out, where it was not told so before."""
        for source in self._sources.values():
            if source.control != (own := word | source.shed):
                source.control = own
                with suppress(ValueError):  # cut just now: the next pass leaves it alone
                    source.segment.set_control(own)

    def publish(self) -> None:
        """What the store was told is stored: let the writers know."""
        for source in self._sources.values():
            with suppress(ValueError):  # as above
                source.segment.publish_heads(source.heads)

    def bury(self) -> None:
        """Remove the segments that are settled: everything of them is stored. Raises StoreError.

        The file goes first: were it there without the positions that it was read up to, it would be read once more. The
        store keeps these for a file that stays.
        """
        for name, source in list(self._sources.items()):
            if not source.settled:
                continue
            if self._files.remove(name):
                self._writer.drop_segment(source.number)
            with self.lock:
                del self._sources[name]
                self._correlator.remove(source.slot)
            self._lost_by_the_dead += source.lost
            source.close()
            logger.info("process %d: dead and stored", source.segment.pid)

    def close(self) -> None:
        for source in self._sources.values():
            source.close()


def _is_renamed(found: tuple[str, Segment]) -> bool:
    """Whether a file is not called as its process called it: of a segment and its copy it is the copy."""
    name, segment = found
    return not name.startswith(f"{segment.pid}-")


def _by_segment(restored: Restored) -> dict[str, _Past]:
    known = restored.heads.keys() | restored.definitions.keys() | restored.lane_losses.keys()
    past = {
        uuid: _Past(
            restored.heads.get(uuid, ()), restored.definitions.get(uuid, 0), tuple(restored.lane_losses.get(uuid, ()))
        )
        for uuid in known
    }
    for request in restored.open:
        past.setdefault(request.segment, _Past()).open.append(request)
    return past
