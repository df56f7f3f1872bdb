"""Drains, correlates, stores: the collector's loop without its process around it.

A cycle reads what is new in every segment. A commit hands over, in one batch, the requests that have finished, the new
records of those that have not, and the positions up to which the rings are read; so what a batch stores and the
positions in it agree, and a collector that is killed anywhere goes on at the last batch. Only after the store has a
batch do the rings learn of it. While the store takes nothing, nothing more is read: the rings absorb what they can
and count what they lose.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Final

from .._core import Correlator
from ..store import Batch
from ..store.errors import StoreError
from .fleet import Fleet
from .status import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..config import Config
    from ..store import Writer

logger = logging.getLogger("scope.collector")

SCAN_NS: Final = 100_000_000
"""How often new segments are looked for."""

CHECK_NS: Final = 500_000_000
"""How often owners are checked for death and the status is written."""

RETAIN_NS: Final = 20_000_000_000
"""How often old slices are looked for."""

BUSY_EVENTS: Final = 2_000
"""A cycle that read more than this is followed by the next after a quarter of the usual pause."""

ALL: Final = 1 << 30


class Collector:
    """The collector of one session directory; ``clock`` gives monotonic nanoseconds."""

    def __init__(self, config: Config, writer: Writer, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._config = config
        self._writer = writer
        self._clock = clock
        # Half for requests in memory, the rest for SQLite, the batch and the interpreter.
        self._correlator = Correlator(max_bytes=config.collector.memory_bytes // 4)
        self._fleet = Fleet(config.segment.dir, self._correlator, writer)
        self._batch: Batch | None = None
        self._scanned = self._committed = self._checked = self._retained = 0
        self._last_alive = clock()
        self.status = Status(os.getpid(), time.time_ns())

    def cycle(self) -> float:
        """Read what is new and store what is due; seconds until the next cycle should begin."""
        now = self._clock()
        pause = self._config.collector.poll_ms / 1000
        try:
            return self._cycle(now, pause)
        except StoreError as error:
            if self.status.error != str(error):
                logger.error("%s; capture goes on, nothing is read until this is mended", error)  # noqa: TRY400
            self.status.error = str(error)
            self._tell()
            return max(pause, 0.5)

    def _cycle(self, now: int, pause: float) -> float:
        if self._batch is not None:
            self._store(self._batch)
        if now - self._scanned >= SCAN_NS:
            self._fleet.scan()
            self._scanned = now
        events, whole = self._fleet.drain()
        self.status.events += events
        if now - self._checked >= CHECK_NS:
            self._check(now)
        if not whole or now - self._committed >= self._config.collector.commit_ms * 1_000_000:
            self.commit()
            self._committed = now
        return 0.0 if not whole else pause / 4 if events > BUSY_EVENTS else pause

    def _check(self, now: int) -> None:
        self._checked = now
        self._fleet.find_dead()
        if any(not source.dead for source in self._fleet):
            self._last_alive = now
        if now - self._retained >= RETAIN_NS:
            self._retained = now
            self._writer.retain(time.time_ns())
        self._tell()

    def commit(self) -> None:
        """Store all that was read. Raises StoreError where the store does not take it; it is kept for the next call."""
        if self._batch is not None:
            self._store(self._batch)
        # Requests whose end was just read finish two passes later: made here, most need not be stored as open first.
        for _ in range(2):
            self.status.events += self._fleet.drain()[0]
        self._correlator.sweep()
        batch = self._next_batch(self._correlator.take(ALL), self._correlator.take_open())
        if batch is not None:
            self._batch = batch
            self._store(batch)
        self._fleet.bury()

    def _next_batch(self, finished: list[tuple[Any, ...]], unfinished: list[tuple[Any, ...]]) -> Batch | None:
        """All that the store has not been told; None where that is nothing."""
        heads, losses, definitions = {}, {}, {}
        for source in self._fleet:
            if (now := source.segment.heads()) != source.heads:
                heads[source.number] = source.heads = now
            if (lost := self._correlator.losses(source.slot)) != source.losses:
                losses[source.number] = source.losses = lost
            if source.fresh:
                definitions[source.number] = source.definitions + 1, source.fresh
                source.definitions += len(source.fresh)
                source.fresh = []
        if not (finished or unfinished or heads or losses or definitions):
            return None
        return Batch(finished, unfinished, definitions, heads, losses)

    def _store(self, batch: Batch) -> None:
        self._writer.commit(batch)
        self._batch = None
        self.status.requests += len(batch.finished)
        self.status.error = ""
        for source in self._fleet:
            source.segment.publish_heads()

    def drain_all(self) -> None:
        """Read and store everything that is there now; owners found dead are buried. Raises StoreError."""
        self._fleet.scan()
        while not self._fleet.drain()[1]:
            self.commit()
        self._fleet.find_dead()
        self.commit()
        self._fleet.find_dead()
        self.commit()
        self._tell()

    def idle_s(self) -> float:
        """How long no traced process has been there."""
        return (self._clock() - self._last_alive) / 1e9

    def _tell(self) -> None:
        counts = self._correlator.statistics()
        self.status.segments = len(self._fleet)
        self.status.refused = self._fleet.refused
        self.status.open = counts["open"]
        self.status.lost = sum(sum(source.losses.values()) for source in self._fleet)
        self.status.lag_ns = self._clock() - self._committed if self._committed else 0
        try:
            self.status.write(self._config.status_path)
        except OSError as error:
            logger.warning("cannot write %s: %s", self._config.status_path, error)

    def close(self) -> None:
        self._fleet.close()
