"""The control loop of one process, on a clock and costs that a test makes up."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from scope.collector.governor import LONGEST_NS, SECOND, TOLERANCE, Governor, Reading
from scope.model.shedding import HIGHEST, NO_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET = 0.01
STEP_NS = SECOND // 2
HOT = (0.30, 0.30, 0.30, 0.10, 0.02, 0.006, 0.004, 0.003, 0.0)
"""What functions take of the CPU at each level, where nothing but the third level and those above help."""


@dataclass
class World:
    """A process whose tracing takes ``detail(level)`` of the CPU it uses, and ``boundaries`` whatever is left out."""

    detail: Callable[[int], float]
    boundaries: float = 0.001
    values: float = 0.0
    busy: float = 0.9
    governor: Governor = field(default_factory=lambda: Governor(BUDGET))
    now_ns: int = 0
    cpu_ns: float = 0
    boundaries_ns: float = 0
    detail_ns: float = 0
    values_ns: float = 0
    levels: list[int] = field(default_factory=list[int])

    def run(self, seconds: float) -> World:
        """Let time pass; levels are noted at each step."""
        until_ns = self.now_ns + seconds * SECOND
        while self.now_ns < until_ns:
            level = self.governor.level
            used_ns = STEP_NS * self.busy
            self.now_ns += STEP_NS
            self.cpu_ns += used_ns
            self.boundaries_ns += used_ns * self.boundaries
            self.detail_ns += used_ns * self.detail(level)
            self.values_ns += used_ns * self.values if level < NO_VALUES else 0
            tracing_ns = self.boundaries_ns + self.detail_ns
            counts = (self.cpu_ns, tracing_ns, self.detail_ns, self.values_ns)
            self.governor.take(Reading(self.now_ns, *map(round, counts)))
            self.levels.append(self.governor.level)
        return self

    @property
    def changes(self) -> int:
        return sum(before != after for before, after in pairwise(self.levels))


def hot(level: int) -> float:
    return HOT[level]


def test_it_goes_up_until_tracing_is_within_the_budget_and_stays_there() -> None:
    world = World(hot).run(12)
    assert world.governor.level == 5
    assert world.changes == 3  # without values the levels that leave them out are passed over
    assert world.governor.shares.tracing <= BUDGET


def test_within_the_budget_nothing_is_left_out() -> None:
    assert World(lambda _: 0.008).run(60).levels == [0] * 120


def test_a_little_more_than_the_budget_is_no_reason_to_leave_out_more() -> None:
    assert World(lambda _: BUDGET * (TOLERANCE - 0.05), boundaries=0).run(60).changes == 0


def test_values_are_left_out_first_where_there_are_any() -> None:
    world = World(lambda level: 0.004 if level >= NO_VALUES else 0.05, values=0.046).run(20)
    assert world.governor.level == NO_VALUES
    assert world.levels[0] == 0
    assert sorted(set(world.levels)) == [0, 1, 2]


def test_a_steady_load_is_tried_more_and_more_seldom_and_costs_no_more_than_the_budget_by_it() -> None:
    world = World(hot).run(24 * 3600)
    first_hour = world.levels[: 2 * 3600]
    last_hour = world.levels[-2 * 3600 :]
    assert sum(before != after for before, after in pairwise(first_hour)) <= 20
    assert sum(before != after for before, after in pairwise(last_hour)) <= 4
    assert (world.detail_ns + world.boundaries_ns) / world.cpu_ns <= BUDGET


def test_when_load_drops_everything_comes_back() -> None:
    world = World(hot).run(60)
    assert world.governor.level == 5
    world.detail = lambda _: 0.0005
    assert world.run(900).governor.level == 0


def test_what_comes_back_stays_when_it_costs_little() -> None:
    world = World(hot).run(60)
    world.detail = lambda _: 0.0005
    world.run(900)
    before = len(world.levels)
    world.run(3600)
    assert set(world.levels[before:]) == {0}


def test_an_idle_process_gets_everything_back() -> None:
    world = World(hot).run(60)
    world.busy = 0.001
    assert world.run(600).governor.level == 0


def test_an_idle_process_is_not_governed_however_much_of_its_little_cpu_tracing_takes() -> None:
    assert World(lambda _: 0.5, busy=0.005).run(300).changes == 0


@pytest.mark.parametrize("boundaries", [0.009, 0.03, 0.5])
def test_boundaries_are_never_counted_as_what_can_be_left_out(boundaries: float) -> None:
    """Traces of small requests keep what is within a quarter of the budget."""
    assert World(lambda _: 0.0024, boundaries=boundaries).run(120).changes == 0


def test_boundaries_leave_the_rest_less_of_the_budget() -> None:
    assert World(lambda level: 0.008 if level < 3 else 0.001, boundaries=0.001).run(30).governor.level == 0
    assert World(lambda level: 0.008 if level < 3 else 0.001, boundaries=0.006).run(30).governor.level == 3


def test_what_nothing_helps_against_ends_at_the_highest_level() -> None:
    world = World(lambda _: 0.2).run(60)
    assert world.governor.level == HIGHEST
    assert world.levels == sorted(world.levels)


def test_load_that_comes_and_goes_does_not_make_it_swing_with_it() -> None:
    world = World(hot)
    for _ in range(60):
        world.detail = hot
        world.run(10)
        world.detail = lambda _: 0.0005
        world.run(10)
    assert world.changes < 60


def test_the_effect_of_a_change_is_waited_for() -> None:
    """The window in which a process hears of it holds both what was before and what is now."""
    world = World(hot).run(1.5)
    first = world.governor.level
    world.run(1)
    assert (first, world.governor.level) == (3, 3)
    world.run(1)
    assert world.governor.level == 4


def test_clocks_that_go_back_begin_anew() -> None:
    governor = Governor(BUDGET)
    governor.take(Reading(SECOND, 5 * SECOND, 0, 0))
    assert not governor.take(Reading(3 * SECOND, SECOND, SECOND, SECOND))
    assert not governor.take(Reading(3 * SECOND + LONGEST_NS, 2 * SECOND, SECOND, SECOND))
    assert governor.level == 0


def test_the_reason_is_what_tracing_took_when_the_level_was_decided() -> None:
    world = World(hot).run(20)
    assert world.governor.reason.detail == pytest.approx(0.02, rel=0.01)
    assert world.governor.reason.boundaries == pytest.approx(0.001, rel=0.01)
