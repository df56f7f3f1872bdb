"""Events of several lanes come in order of time, without all of them being held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scope.model import Event
from scope.store.order import in_order
from tests.unit.store.tree import annotation, lane

if TYPE_CHECKING:
    from collections.abc import Iterator


def told(*events: Event, ahead: int | None) -> list[tuple[int, str]]:
    return [(event.time_ns, thread) for event, thread in in_order(events, ahead)]


def test_lanes_are_merged_by_time() -> None:
    events = (
        lane("a", 1),
        *(annotation(1, time) for time in (1, 3, 5)),
        lane("b", 2),
        annotation(1, 2),
        annotation(1, 4),
    )
    merged = [(1, "a"), (2, "b"), (3, "a"), (4, "b"), (5, "a")]
    assert told(*events, ahead=100) == merged
    assert told(*events, ahead=3) == merged
    assert told(*events, ahead=None) == merged


def test_what_stands_too_far_from_its_place_comes_late() -> None:
    events = (lane("a", 1), *(annotation(1, time) for time in range(10, 20)), lane("b", 2), annotation(1, 1))
    assert [time for time, _ in told(*events, ahead=2)] == [*range(10, 18), 1, 18, 19]
    assert [time for time, _ in told(*events, ahead=None)] == [1, *range(10, 20)]


def test_no_more_than_twice_what_is_looked_ahead_is_taken_before_the_first_is_given() -> None:
    taken = 0

    def endless() -> Iterator[Event]:
        nonlocal taken
        while True:
            taken += 1
            yield annotation(1, taken)

    event, _ = next(in_order(endless(), 8))
    assert (event.time_ns, taken) == (1, 16)
