"""Drains, correlates, stores: the collector without its process around it.

Two threads share it. The one that drains reads what is new in every segment, many times a second, so that no ring
fills up while the other stores. The one that commits hands over, in one batch, the requests that have finished, the
new records of those that have not, and the positions up to which the rings were read; what a batch stores and the
positions in it agree, so a collector that is killed anywhere goes on at the last batch. Only after the store has a
batch do the rings learn of it.

While the store takes nothing, draining goes on until the correlator is full; then the rings absorb what they can, and
count what they lose.
"""

from __future__ import annotations

import logging
import os
import threading
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

CHECK_NS: Final = 500_000_000
"""How often owners are checked for death and the status is written."""

RETAIN_NS: Final = 20_000_000_000
"""How often old slices are looked for."""

BUSY_EVENTS: Final = 2_000
"""A pass that read more than this is followed by the next after a quarter of the usual pause."""

RETRY_S: Final = 0.5
"""Pause after the store has refused a batch."""

ALL: Final = 1 << 30


class Collector:
    """The collector of one session directory; ``clock`` gives monotonic nanoseconds.

    :meth:`drain` and :meth:`cycle` may be called by a thread each.
    """

    def __init__(self, config: Config, writer: Writer, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._config = config
        self._writer = writer
        self._clock = clock
        # A quarter for requests in memory: the batch made of them, SQLite and the interpreter need the rest.
        self._correlator = Correlator(max_bytes=config.collector.memory_bytes // 4)
        self._fleet = Fleet(config.segment.dir, self._correlator, writer)
        self._lock = threading.Lock()  # of the fleet and the correlator
        self._batch: Batch | None = None
        self._checked = self._retained = 0
        self._last_alive = self._committed = clock()
        self.status = Status(os.getpid(), time.time_ns())

    def drain(self) -> float | None:
        """Read what is new; seconds until the next pass should begin, None where a commit must come first."""
        with self._lock:
            events, whole = self._fleet.drain()
            self.status.events += events
        pause = self._config.collector.poll_ms / 1000
        return (pause / 4 if events > BUSY_EVENTS else pause) if whole else None

    def cycle(self) -> float:
        """Take up new segments, store what was read, see to what is due; seconds until the next cycle should begin."""
        try:
            self.scan()
            self.commit()
            self._look_after()
        except StoreError as error:
            if self.status.error != str(error):
                logger.error("%s; capture goes on, and this is tried again", error)  # noqa: TRY400
            self.status.error = str(error)
            self._tell()
            return RETRY_S
        return self._config.collector.commit_ms / 1000

    def scan(self) -> None:
        """Take up the segments that have come. The store is told of them, so this is for the thread that commits."""
        with self._lock:
            self._fleet.scan()

    def _look_after(self) -> None:
        now = self._clock()
        if now - self._checked < CHECK_NS:
            return
        self._checked = now
        with self._lock:
            self._fleet.find_dead()
            if any(not source.dead for source in self._fleet):
                self._last_alive = now
        if now - self._retained >= RETAIN_NS:
            self._retained = now
            self._writer.retain(time.time_ns())
        self._tell()

    def commit(self) -> None:
        """Store all that was read. Raises StoreError where the store does not take it; it is kept for the next call."""
        if self._batch is None:
            with self._lock:
                self._batch = self._next_batch()
        if self._batch is not None:
            self._writer.commit(self._batch)
            self.status.requests += len(self._batch.finished)
            self._batch = None
        self.status.error = ""
        self._committed = self._clock()
        with self._lock:
            self._fleet.publish()
            self._fleet.bury()

    def _next_batch(self) -> Batch | None:
        """All that the store has not been told; None where that is nothing."""
        # Requests that ended on another lane than the first finish a pass later: made here, they need not be kept open.
        self.status.events += self._fleet.drain()[0]
        self._correlator.sweep()
        finished: list[tuple[Any, ...]] = self._correlator.take(ALL)
        unfinished: list[tuple[Any, ...]] = self._correlator.take_open()
        definitions, heads, losses = self._fleet.news()
        if not (finished or unfinished or definitions or heads or losses):
            return None
        return Batch(finished, unfinished, definitions, heads, losses)

    def drain_all(self) -> None:
        """Read and store everything that is there now, alone; owners found dead are buried. Raises StoreError."""
        self.scan()
        while self.drain() is None:
            self.commit()
        for _ in range(2):  # the dead are found in what is drained, and buried once that is stored
            self._fleet.find_dead()
            self.commit()
        self._tell()

    def idle_s(self) -> float:
        """How long no traced process has been there."""
        return (self._clock() - self._last_alive) / 1e9

    def _tell(self) -> None:
        with self._lock:
            counts = self._correlator.statistics()
            self.status.segments = len(self._fleet)
            self.status.refused = self._fleet.refused
            self.status.open = counts["open"]
            self.status.lost = sum(sum(source.losses.values()) for source in self._fleet)
        self.status.lag_ns = self._clock() - self._committed
        try:
            self.status.write(self._config.status_path)
        except OSError as error:
            logger.warning("cannot write %s: %s", self._config.status_path, error)

    def close(self) -> None:
        self._fleet.close()
