"""Holds what tracing costs one process within a budget: decides how much is left out of its traces.

Every so often it is told how much CPU time the process has used, and what tracing has taken of it as the ledger says.
Over the budget, it goes up one level (``scope/model/shedding.py``); what happens then is waited for before it decides
again. Within the budget, it tries the level below, but not soon: what was left out at that level is not known any more,
so a try may cost what it cost before. It waits until such a try, should it fail, takes no more than a quarter of the
budget meanwhile; each failure doubles that. So the level of a steady load does not swing: it is tried now and then,
more and more seldom. What recovers is found by the same tries, and each that lasts brings the next one sooner.

Boundaries of requests, spans and steps are never left out. What they cost cannot be governed: the rest has what they
leave of the budget, and a quarter of it at least, so that traces of small requests do not go blind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..model.shedding import HIGHEST, NO_VALUES

SECOND: Final = 1_000_000_000

WINDOW_NS: Final = SECOND
"""No decision is made of less."""

ENOUGH_NS: Final = SECOND // 20
"""CPU time of a process that is worth a decision."""

LONGEST_NS: Final = 5 * SECOND
"""A process that has not used as much by then is idle: whatever tracing takes of so little is within the budget."""

TRY_NS: Final = 10 * SECOND
"""How long it is within the budget at least before less is left out; after a try that lasted, before the next one."""

LONGEST_TRY_NS: Final = 3600 * SECOND

LASTED: Final = 4
"""Windows within the budget after which a try has succeeded."""

REGRETTED_NS: Final = 120 * SECOND
"""What is left out again that soon after it was not, should not have come back: a load that comes and goes."""

TOLERANCE: Final = 1.2
"""Of the budget: a little more is no reason to leave out more."""

LEAST: Final = 0.25
"""Of the budget, what can be left out has at least."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What has been counted of a process until ``now_ns``; all but that in nanoseconds of CPU time since its beginning.

    ``tracing_ns`` is what tracing took; of that, ``detail_ns`` is what can be left out, and ``values_ns`` of that, what
    the recording of values took.
    """

    now_ns: int
    cpu_ns: int
    tracing_ns: int
    detail_ns: int
    values_ns: int = 0


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a process's CPU time: all that tracing took, and what of that can be left out."""

    tracing: float = 0.0
    detail: float = 0.0
    values: float = 0.0

    @property
    def boundaries(self) -> float:
        """What cannot be left out."""
        return self.tracing - self.detail


class Governor:
    """The governor of one process; ``budget`` is the part of its CPU time that tracing may take."""

    def __init__(self, budget: float) -> None:
        self._budget = budget
        self._before: Reading | None = None
        self._settles = False
        self._since_ns = 0
        self._wait_ns = TRY_NS
        self._lowered_ns: int | None = None  # when less was left out, and no more since
        self._tried: int | None = None  # windows that a try has lasted
        self.level = 0
        self.shares = Shares()
        self.reason = Shares()

    @property
    def allowance(self) -> float:
        """The share that what can be left out may take."""
        return max(self._budget - self.shares.boundaries, self._budget * LEAST)

    def take(self, now: Reading) -> bool:
        """Whether the level has changed."""
        before = self._before
        if before is None or now.cpu_ns < before.cpu_ns:
            self._before = now
            self._since_ns = self._since_ns or now.now_ns
            return False
        passed_ns, cpu_ns = now.now_ns - before.now_ns, now.cpu_ns - before.cpu_ns
        is_idle = cpu_ns < ENOUGH_NS
        if passed_ns < WINDOW_NS or (is_idle and passed_ns < LONGEST_NS):
            return False
        self._before = now
        if self._settles:
            self._settles = False
            return False
        self.shares = Shares() if is_idle else _shares(before, now, cpu_ns)
        return self._decide(now.now_ns, is_idle=is_idle)

    def _decide(self, now_ns: int, *, is_idle: bool) -> bool:
        if self.shares.detail > self.allowance * TOLERANCE:
            return self.level < HIGHEST and self._leave_out_more(now_ns)
        if self._tried is not None:
            self._tried += 1
            if self._tried >= LASTED:
                self._tried = None
                self._wait_ns = max(self._wait_ns // 2, TRY_NS)
                self._since_ns = now_ns
            return False
        wait_ns = TRY_NS if is_idle else self._wait_ns
        if self.level and self.shares.detail <= self.allowance and now_ns - self._since_ns >= wait_ns:
            self._tried = 0
            self._lowered_ns = now_ns
            self._go(self.level - 1, now_ns)
            return True
        return False

    def _leave_out_more(self, now_ns: int) -> bool:
        detail, level = self.shares.detail, self.level
        self.reason = self.shares
        regretted = self._lowered_ns is not None and now_ns - self._lowered_ns < REGRETTED_NS
        self._tried = self._lowered_ns = None
        useless = level < NO_VALUES and not self.shares.values
        self._go(NO_VALUES + 1 if useless else level + 1, now_ns)
        # A try takes a window to settle and one to be judged; of each of the levels in between at most.
        costs_ns = 2 * WINDOW_NS * max(detail - self.allowance, 0.0)
        least_ns = round(costs_ns / (LEAST * self._budget))
        doubled_ns = self._wait_ns * 2 if regretted else TRY_NS
        self._wait_ns = min(max(least_ns, doubled_ns, TRY_NS), LONGEST_TRY_NS)
        return True

    def _go(self, level: int, now_ns: int) -> None:
        self.level = level
        self._since_ns = now_ns
        self._settles = True


def _shares(before: Reading, now: Reading, cpu_ns: int) -> Shares:
    return Shares(
        (now.tracing_ns - before.tracing_ns) / cpu_ns,
        (now.detail_ns - before.detail_ns) / cpu_ns,
        (now.values_ns - before.values_ns) / cpu_ns,
    )
