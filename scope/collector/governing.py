"""The governors of all traced processes: fed with what the collector has counted."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model.shedding import left_out
from ..wire.control import shed_word
from .governor import Governor, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._core import Correlator
    from ..config import GovernorConfig
    from .source import Source

logger = logging.getLogger("scope.collector")


@dataclass(frozen=True, slots=True)
class Governed:
    """A process of whose traces something is left out; shares are parts of its CPU, ``boundaries`` always taken."""

    pid: int
    level: int
    share: float
    boundaries: float


@dataclass(slots=True)
class _Account:
    """One process: its governor, None where nobody governs; and what was counted of it, from ``first`` to ``last``."""

    governor: Governor | None
    first: Reading
    last: Reading

    @property
    def cpu_ns(self) -> int:
        return self.last.cpu_ns - self.first.cpu_ns

    @property
    def tracing_ns(self) -> int:
        return self.last.tracing_ns - self.first.tracing_ns


class Governing:
    """One governor for each process that is read. ``clock`` gives monotonic nanoseconds.

    Whoever calls :meth:`look` holds the fleet's lock.
    """

    def __init__(self, config: GovernorConfig, correlator: Correlator, clock: Callable[[], int]) -> None:
        self._config = config
        self._correlator = correlator
        self._clock = clock
        self._accounts: dict[int, _Account] = {}
        self._past_cpu_ns = self._past_tracing_ns = 0

    def look(self, sources: Iterable[Source]) -> None:
        """Count what every process has used, and decide; the sources' ``shed`` says what was decided."""
        living: set[int] = set()
        for source in sources:
            cpu_ns = source.owner.cpu_ns()
            if cpu_ns is None:
                continue
            living.add(source.number)
            self._count(source, Reading(self._clock(), cpu_ns, *self._correlator.costs(source.slot)))
        for number in self._accounts.keys() - living:
            gone = self._accounts.pop(number)
            self._past_cpu_ns += gone.cpu_ns
            self._past_tracing_ns += gone.tracing_ns

    def _count(self, source: Source, now: Reading) -> None:
        account = self._accounts.get(source.number)
        if account is None:
            governor = Governor(self._config.budget_percent / 100) if self._config.enabled else None
            account = self._accounts[source.number] = _Account(governor, now, now)
        account.last = now
        governor = account.governor
        if governor is None or not governor.take(now):
            return
        source.shed = shed_word(governor.level, governor.reason.tracing)
        logger.info("%s", _told(source.segment.pid, governor))

    @property
    def cpu_ns(self) -> int:
        """CPU time that the processes have used since they were first read."""
        return self._past_cpu_ns + sum(account.cpu_ns for account in self._accounts.values())

    @property
    def tracing_ns(self) -> int:
        """What tracing took of it."""
        return self._past_tracing_ns + sum(account.tracing_ns for account in self._accounts.values())

    def governed(self, sources: Iterable[Source]) -> list[Governed]:
        """The processes of whose traces something is left out now."""
        found: list[Governed] = []
        for source in sources:
            account = self._accounts.get(source.number)
            governor = account.governor if account is not None else None
            if governor is not None and governor.level:
                shares = governor.shares
                found.append(Governed(source.segment.pid, governor.level, shares.tracing, shares.boundaries))
        return found


def _told(pid: int, governor: Governor) -> str:
    shares = governor.shares
    took = (
        f"tracing took {100 * shares.tracing:.2f} % of its CPU, {100 * shares.boundaries:.2f} % for what always is kept"
    )
    return f"process {pid}: traces leave out {left_out(governor.level)}: {took}"
