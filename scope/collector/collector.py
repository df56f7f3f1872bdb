"""Drains, correlates, stores: the collector without its process around it.

Two threads share it. The one that drains looks at the rings many times a second, and reads them when one fills up, so
that none overflows while the other stores. The one that commits reads the rest and hands over, in rounds, the requests
that have finished, the new records of those that have not, and the positions up to which the rings were read; what a
round stores and the positions in it agree, so a collector that is killed anywhere goes on at the last round. Only after
the store has a round do the rings learn of it.

While the store takes nothing, draining goes on until the correlator is full; then the rings absorb what they can, and
count what they lose.
"""

from __future__ import annotations

import logging
import math
import os
import time
from typing import TYPE_CHECKING, Final

from .._core import Correlator
from ..store.errors import StoreError
from .calendar import Calendar
from .code_folders import prune_code
from .costs import TYPICAL
from .fleet import Fleet
from .governing import Governing
from .round import Round
from .status import Status, StatusFile
from .steering import Steering

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import Config
    from ..store import Batch, Writer
    from .costs import Costs

logger = logging.getLogger("scope.collector")

CHECK_NS: Final = 500_000_000
"""How often owners are checked for death."""

RETAIN_NS: Final = 20_000_000_000
"""How often old slices are looked for."""

MEASURE_NS: Final = 2_000_000_000
"""A collector this old has the costs of tracing measured, where they were not; many are gone before."""

WORTH_PERCENT: Final = 10
"""A lane is worth a pass of its own when it is this full; before it is read when its content is to be stored."""

BUSY_PERCENT: Final = 30
"""Lanes are looked at again after a quarter of the usual pause when one was this full."""

PASS_BYTES: Final = 4 << 20
"""What is read of one segment at a time, so that one that is written to without end keeps no other waiting."""

WAIT_S: Final = 0.1
"""How often it is looked for what people wish of the processes."""

EAGER_S: Final = 0.1
EAGER_NS: Final = 5_000_000_000
"""When other functions are to be recorded, somebody waits to see them: for so long batches are stored so often."""

GENERATION: Final = 0xFFFF_FFFF
"""Bits of the control word that say which functions are to be recorded."""

PASSES: Final = 4
"""Passes at the beginning of a round: the first reads, and what lanes read too early for one of them, the next has."""

RETRY_S: Final = 0.5
"""Pause after the store has refused a batch."""


class Collector:
    """The collector of one session directory; ``clock`` gives monotonic nanoseconds, ``calendar`` what is old.

    ``costs`` is what recording takes of the traced processes; without it those of another machine are counted with.

    :meth:`drain` and :meth:`cycle` may be called by a thread each.
    """

    def __init__(
        self,
        config: Config,
        writer: Writer,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        calendar: Calendar | None = None,
        costs: Costs | None = None,
    ) -> None:
        self._config = config
        self._writer = writer
        self._clock = clock
        self._calendar = calendar or Calendar()
        # A quarter for requests in memory: the batches made of them, SQLite and the interpreter need the rest.
        self._correlator = Correlator(max_bytes=config.collector.memory_bytes // 4, pass_bytes=PASS_BYTES)
        self._costs = costs
        self._correlator.set_costs(costs.rows if costs is not None else TYPICAL)
        self._governing = Governing(config.governor, self._correlator, clock)
        self._fleet = Fleet(config.segment.dir, self._correlator, writer)
        self._round: Round | None = None
        self._batch: Batch | None = None
        self._commits = 0
        self._busy = self._stirred = False
        self._steering = Steering(config.wishes_path, config.probe_wishes_path)
        self._word = self._eager_until = 0
        self._file = StatusFile(config.status_path, clock)
        self._checked = self._retained = 0
        self._begun = self._committed = clock()
        self._idle_since: int | None = clock()
        self.status = Status(os.getpid(), time.time_ns())

    def drain(self) -> bool:
        """Wait a while for a lane to fill, and read all of them if one does; false where a commit must come first.

        So it must where a writer waits for room: it has it when what was read is stored. And where people wait to see
        functions that were not recorded until now.
        """
        poll_s = self._config.collector.poll_ms / 1000
        fullest = self._correlator.wait(WORTH_PERCENT, poll_s / 4 if self._busy else poll_s, WAIT_S)
        self._busy = fullest > BUSY_PERCENT
        with self._fleet.lock:
            is_news = self._steer()
            whole = fullest < WORTH_PERCENT or self._fleet.drain()[1]
            return whole and not is_news and not self._correlator.keeps_waiting()

    @property
    def commits(self) -> int:
        """How often all that had been read was stored."""
        return self._commits

    def cycle(self) -> float:
        """Take up new segments, store what was read, see to what is due; seconds until the next cycle should begin.

        What the store refuses is in ``status.error`` until it takes it.
        """
        error = ""
        try:
            self._fleet.scan()
            self._govern()
            self.commit()
            self._retain()
        except StoreError as refusal:
            error = str(refusal)
        self._look_after()
        self._tell(error)
        return RETRY_S if error else self._pause_s()

    def _steer(self) -> bool:
        """Tell the processes what people wish; whether other functions are to be recorded now."""
        word = self._steering.word
        self._fleet.steer(word)
        is_news = (word ^ self._word) & GENERATION != 0
        self._word = word
        if is_news:
            self._eager_until = self._clock() + EAGER_NS
        return is_news

    def _pause_s(self) -> float:
        usual_s = self._config.collector.commit_ms / 1000
        return min(usual_s, EAGER_S) if self._clock() < self._eager_until else usual_s

    def commit(self) -> None:
        """Store all that was read. Raises StoreError where the store does not take it; it is kept for the next call."""
        while (batch := self._next_batch()) is not None:
            self._writer.commit(batch)
            self._batch = None
            self.status.requests += len(batch.finished)
        self._round = None
        self._commits += 1
        self._committed = self._clock()
        with self._fleet.lock:
            self._fleet.publish()
        self._fleet.bury()

    def _next_batch(self) -> Batch | None:
        """The one that the store has refused, else the next of the round."""
        if self._batch is None:
            with self._fleet.lock:
                self._round = self._round or self._new_round()
                self._batch = self._round.next()
                if self._batch is not None:
                    self._stirred = True
        return self._batch

    def _new_round(self) -> Round:
        for _ in range(PASSES):
            _, whole = self._fleet.drain()
            if not self._correlator.sweep() or not whole:
                break
        return Round(self._correlator, self._fleet.waiting(), self._correlator.take_open(), self._fleet.news())

    def _govern(self) -> None:
        """See what tracing costs the processes, and tell them what is wished and what they are to leave out."""
        now = self._clock()
        is_late = now - self._begun >= MEASURE_NS and self._fleet.has_living
        new_costs = is_late and self._costs is not None and self._costs.look(now / 1e9)
        with self._fleet.lock:
            if new_costs and self._costs is not None:
                self._correlator.set_costs(self._costs.rows)
            self._governing.look(self._fleet.living())
            self._steer()

    def _retain(self) -> None:
        now = self._clock()
        if now - self._retained >= RETAIN_NS:
            prune_code(self._config.code_dir)
            self._writer.retain(self._calendar.earliest_ns())
            self._retained = now

    def _look_after(self) -> None:
        """See who has died. It does not need the store, so a full disk ends nobody's collector."""
        now = self._clock()
        if now - self._checked >= CHECK_NS:
            self._checked = now
            with self._fleet.lock:
                self._fleet.find_dead()
            if self._fleet.has_living:
                self._idle_since = None
            elif self._idle_since is None:
                self._idle_since = now

    def drain_all(self, most_s: float = math.inf) -> None:
        """Read and store everything that is there now, alone; owners found dead are buried. Raises StoreError.

        What is not stored after ``most_s`` stays where it is, for the next collector.
        """
        until = self._clock() + most_s * 1e9
        try:
            self._fleet.scan()
            if self._round is not None:
                self.commit()
            for _ in self._fleet.finish():
                self.commit()
                if self._clock() > until:
                    logger.warning("more is there than can be stored now; the next collector goes on with it")
                    break
            self.commit()
        except StoreError as refusal:
            self._tell(str(refusal), at_once=True)
            raise
        self._tell("", at_once=True)

    def idle_s(self) -> float:
        """How long no traced process has been there; 0 if one was there at the last look, however long ago that was."""
        return 0.0 if self._idle_since is None else (self._clock() - self._idle_since) / 1e9

    def _tell(self, error: str, *, at_once: bool = False) -> None:
        status = self.status
        if not at_once and not self._file.is_due(status, error, stirred=self._stirred):
            return
        self._stirred = False
        status.segments, status.refused, status.lost = len(self._fleet), self._fleet.refused, self._fleet.lost
        with self._fleet.lock:
            status.governed = self._governing.governed(self._fleet.living())
        status.workers_cpu_ns, status.tracing_ns = self._governing.cpu_ns, self._governing.tracing_ns
        counts = self._correlator.statistics()
        status.events, status.open = counts["events"], counts["open"]
        status.lag_ns = self._clock() - self._committed
        self._file.update(status, error)

    def close(self) -> None:
        self._fleet.close()
