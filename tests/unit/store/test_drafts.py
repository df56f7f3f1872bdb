"""Of more spans than are wanted the shallowest are kept, and what is left out is counted where it was."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from scope.model import Event, EventType, LeftOut, Trace
from scope.store.assemble import assemble
from tests.unit.store.tree import (
    DEFINITIONS,
    OFFSET_NS,
    REQUEST,
    annotation,
    begin,
    end,
    enter,
    exception,
    lane,
    leave,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def few(limit: int | None, *events: Event) -> Trace:
    return assemble(REQUEST, events, DEFINITIONS, OFFSET_NS, limit)


def mark(number: int, time_ns: int, name: str = "tick") -> Event:
    return Event(EventType.MARK, time_ns, 9, number, payload={"name": name, "attributes": {}})


def step(time_ns: int) -> Event:
    return Event(EventType.LOOP_STEP, time_ns, 9, 1, payload={"waited_ns": 1, "ran_ns": 2, "flags": 0})


def told(trace: Trace) -> list[tuple[int, str, int]]:
    return [(depth, span.name, span.spans_left_out) for depth, span in trace.spans()][1:]


def test_what_finds_room_is_as_it_is_without_a_limit() -> None:
    events = (lane("MainThread"), begin(2, 1, 110, "a"), mark(2, 115), step(118), enter(3, 2, 120), leave(3, 130))
    whole = few(None, *events, end(2, 140))
    assert few(2, *events, end(2, 140)) == whole
    assert whole.left_out == LeftOut()
    assert not whole.left_out


def test_the_first_of_equal_siblings_are_kept_and_the_rest_counted_at_what_they_are_below() -> None:
    loop = [
        event for number in range(3, 13) for event in (enter(number, 2, number * 10), leave(number, number * 10 + 1))
    ]
    trace = few(4, begin(2, 1, 20, "loop"), *loop, end(2, 200))
    assert told(trace) == [(1, "loop", 7), (2, "Shop.price", 0), (2, "Shop.price", 0), (2, "Shop.price", 0)]
    assert trace.root.children[0].duration_ns == 180
    assert trace.left_out == LeftOut(spans=7)


def test_a_shallow_span_takes_the_place_of_the_last_of_the_deepest() -> None:
    deep = [begin(number, number - 1, number * 10, f"deep {number}") for number in range(2, 6)]
    trace = few(3, *deep, begin(6, 1, 60, "late"), begin(7, 1, 70, "later"))
    assert told(trace) == [(1, "deep 2", 3), (1, "late", 0), (1, "later", 0)]
    assert trace.left_out == LeftOut(spans=3)


def test_what_is_said_of_a_span_left_out_makes_no_new_one() -> None:
    kept = begin(2, 1, 20, "kept")
    late = [
        annotation(3, 40, size=1),
        exception(3, 41, "ValueError"),
        mark(3, 42),
        end(3, 43),
        annotation(3, 44, size=2),
    ]
    trace = few(1, kept, begin(3, 1, 30, "left out"), *late, begin(4, 3, 50, "below it"))
    assert told(trace) == [(1, "kept", 0)]
    assert trace.root.spans_left_out == 2
    assert trace.left_out == LeftOut(spans=2, marks=1)


def test_marks_and_steps_beyond_the_limit_are_counted() -> None:
    trace = few(
        2, begin(2, 1, 5, "a"), *(mark(2, time_ns) for time_ns in (10, 20, 30, 40)), step(50), step(60), step(70)
    )
    (span,) = trace.root.children
    assert ([each.time_ns for each in span.marks], span.marks_left_out) == ([OFFSET_NS + 10, OFFSET_NS + 20], 2)
    assert len(trace.steps) == 2
    assert trace.left_out == LeftOut(marks=2, steps=1)


def test_marks_that_go_with_a_span_make_room() -> None:
    deep = (begin(2, 1, 20, "a"), begin(3, 2, 30, "b"), mark(3, 35), mark(3, 36))
    trace = few(2, *deep, begin(4, 1, 40, "c"), mark(4, 45), mark(4, 46))
    assert [(span.name, len(span.marks)) for span in trace.root.children] == [("a", 0), ("c", 2)]
    assert trace.left_out == LeftOut(spans=1, marks=2)


def test_a_span_whose_parent_was_left_out_has_not_lost_it() -> None:
    """Its begin came after something else was said of it."""
    trace = few(1, annotation(3, 10, size=1), begin(2, 1, 20, "parent"), begin(3, 2, 30, "child"))
    assert [(span.name, dict(span.attributes)) for span in trace.root.children] == [("child", {"size": 1})]


def test_numbers_of_a_hostile_writer_are_counted_too() -> None:
    apart = [begin((number << 15) + 2, 1, number, "far") for number in range(5000)]
    trace = few(10, *apart)
    assert (len(trace.root.children), trace.root.spans_left_out) == (10, 4990)


def test_spans_that_run_beyond_what_is_known_of_them_are_counted_at_the_root() -> None:
    many = (begin(number, 2, number, "many") for number in range(3, 70_000))
    trace = few(1, begin(2, 1, 1, "above"), *many, begin(70_000, 69_999, 70_000, "below the last"))
    assert (trace.root.spans_left_out, told(trace)) == (1, [(1, "above", 69_997)])


TREES = st.lists(st.integers(0, 30), max_size=40)


@given(TREES, st.integers(0, 12))
def test_the_first_of_the_shallowest_are_kept_and_the_rest_counted_in_place(choices: list[int], limit: int) -> None:
    parents = _parents(choices)
    trace = few(limit, *(enter(number, parent, number * 1000) for number, parent in parents.items()))
    depths = {number: len(_way(number, parents)) for number in parents}
    expected = sorted(sorted(parents, key=depths.__getitem__)[:limit])
    assert _numbers(trace) == expected
    places = Counter(
        next(up for up in _way(number, parents) if up in {1, *expected}) for number in parents.keys() - expected
    )
    counted = {_number(span.start_ns, trace): span.spans_left_out for _, span in trace.spans() if span.spans_left_out}
    assert counted == places
    assert trace.left_out.spans == len(parents) - len(expected)


@given(TREES, st.integers(0, 12))
def test_spans_that_end_at_once_are_all_counted_too(choices: list[int], limit: int) -> None:
    parents = _parents(choices)
    events = (each for n, parent in parents.items() for each in (enter(n, parent, n * 10), leave(n, n * 10 + 1)))
    trace = few(limit, *events)
    kept = list(trace.spans())
    assert sum(span.spans_left_out for _, span in kept) == trace.left_out.spans == len(parents) - len(kept) + 1
    assert len(kept) - 1 == min(limit, len(parents))


def _parents(choices: Sequence[int]) -> Mapping[int, int]:
    """A tree: to each span number, from 2 on, one that began before it."""
    return {number: choice % (number - 1) + 1 for number, choice in enumerate(choices, 2)}


def _way(number: int, parents: Mapping[int, int]) -> list[int]:
    """The numbers above it, up to the root's."""
    way: list[int] = []
    while number != 1:
        number = parents[number]
        way.append(number)
    return way


def _numbers(trace: Trace) -> list[int]:
    return sorted(_number(span.start_ns, trace) for depth, span in trace.spans() if depth)


def _number(start_ns: int, trace: Trace) -> int:
    """A span's number, told by when it began."""
    return 1 if start_ns == trace.root.start_ns else (start_ns - OFFSET_NS) // 1000
