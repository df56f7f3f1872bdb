"""A clock that somebody sets makes nothing old and nothing of the future; only one that stays ahead is believed."""

from __future__ import annotations

from scope.collector.calendar import BELIEVED_NS, Calendar
from tests.unit.collector.kit import SECOND_NS, Clock

DAY_NS = 86_400 * SECOND_NS


class Clocks:
    """A wall clock and a steady one, which pass together; ``step`` sets the first."""

    def __init__(self) -> None:
        self.wall, self.steady = Clock(), Clock()
        self.wall.now_ns = 1_800_000_000 * SECOND_NS
        self.calendar = Calendar(wall=self.wall, steady=self.steady)

    def advance(self, ns: int) -> None:
        self.wall.now_ns += ns
        self.steady.now_ns += ns

    def step(self, ns: int) -> None:
        self.wall.now_ns += ns


def test_without_steps_both_readings_are_the_wall_clock() -> None:
    clocks = Clocks()
    for _ in range(3):
        assert clocks.calendar.latest_ns() == clocks.calendar.earliest_ns() == clocks.wall()
        clocks.advance(DAY_NS)


def test_after_a_step_forward_nothing_is_older_than_it_was() -> None:
    clocks = Clocks()
    before = clocks.wall()
    clocks.step(400 * DAY_NS)
    assert (clocks.calendar.earliest_ns(), clocks.calendar.latest_ns()) == (before, clocks.wall())
    clocks.advance(DAY_NS // 2)
    assert clocks.calendar.earliest_ns() == before + DAY_NS // 2
    clocks.step(-400 * DAY_NS)
    clocks.advance(DAY_NS)
    assert clocks.calendar.earliest_ns() == clocks.calendar.latest_ns() == clocks.wall()


def test_after_a_step_back_what_has_been_is_not_of_the_future() -> None:
    clocks = Clocks()
    before = clocks.wall()
    clocks.step(-3 * DAY_NS)
    assert (clocks.calendar.earliest_ns(), clocks.calendar.latest_ns()) == (clocks.wall(), before)


def test_a_clock_that_stays_ahead_for_long_is_believed() -> None:
    clocks = Clocks()
    clocks.step(400 * DAY_NS)
    clocks.calendar.earliest_ns()
    clocks.advance(BELIEVED_NS - 1)
    assert clocks.calendar.earliest_ns() < clocks.wall()
    clocks.advance(1)
    assert clocks.calendar.earliest_ns() == clocks.wall()


def test_as_made_it_reads_the_clocks_of_the_system() -> None:
    calendar = Calendar()
    assert calendar.earliest_ns() <= calendar.latest_ns()
