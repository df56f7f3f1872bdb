"""Of what is left of a request's events becomes a tree still."""

from __future__ import annotations

import pytest

from scope.model import (
    Event,
    EventType,
    Mark,
    Outcome,
    SpanKind,
)
from scope.wire.ids import span_id
from tests.unit.store.tree import OFFSET_NS, ROOT_ID, annotation, begin, end, enter, lane, leave, names, only, tree


def test_loss_is_a_mark_of_the_root_with_number_and_reason() -> None:
    gaps = [Event(EventType.GAP, 400, payload={"lost": 37, "reason": reason}) for reason in (0, 99)]
    assert tree(*gaps).root.marks == (
        Mark("events lost", OFFSET_NS + 400, {"scope.lost": 37, "scope.loss_reason": "lapped"}),
        Mark("events lost", OFFSET_NS + 400, {"scope.lost": 37, "scope.loss_reason": "99"}),
    )


def test_span_whose_parent_was_lost_hangs_below_the_root_and_says_so() -> None:
    span = only(tree(enter(7, 6, 200), leave(7, 300)))
    assert span.attributes == {"scope.parent_lost": True}


def test_span_whose_begin_was_lost_is_known_by_its_end() -> None:
    span = only(tree(leave(5, 400, Outcome.EXCEPTION, site=2)))
    assert (span.name, span.kind, span.status) == ("Shop.price", SpanKind.FUNCTION, "error")
    assert span.attributes == {"scope.start_lost": True}


def test_span_whose_begin_was_lost_starts_no_later_than_what_happened_in_it() -> None:
    lost = Event(EventType.SPAN_END, 900, 9, 4, 1, 1, {"outcome": 0, "attributes": {}})
    trace = tree(leave(5, 400), enter(6, 5, 300), leave(6, 350), begin(8, 4, 500, "x"), end(8, 510), lost)
    first, second = trace.root.children
    assert (first.start_ns, first.duration_ns, names(first)) == (OFFSET_NS + 300, 100, ["Shop.price"])
    assert (second.name, second.start_ns, second.duration_ns) == ("load basket", OFFSET_NS + 500, 400)


def test_span_known_by_an_annotation_alone_is_there() -> None:
    span = only(tree(annotation(5, 400, step=1)))
    assert (span.name, span.attributes, span.duration_ns) == ("(unnamed)", {"step": 1, "scope.start_lost": True}, None)


def test_unknown_site_is_named_by_its_number() -> None:
    assert only(tree(enter(2, 1, 200, site=99))).name == "site 99"


def test_events_about_no_span_are_about_the_request() -> None:
    trace = tree(annotation(0, 300, a=1), begin(0, 0, 200, "x"), begin(1, 0, 200, "x"), end(1, 250), leave(0, 260))
    assert trace.root.attributes["a"] == 1
    assert trace.root.children == ()


@pytest.mark.parametrize("ring", [[(2, 2)], [(2, 3), (3, 2)], [(2, 3), (3, 4), (4, 5), (5, 3)]])
def test_ring_of_parents_is_cut_and_every_span_kept(ring: list[tuple[int, int]]) -> None:
    trace = tree(*(enter(number, parent, 200 + number) for number, parent in ring))
    ids = sorted(span.span_id for _, span in trace.spans() if span is not trace.root)
    assert ids == sorted(f"{span_id(ROOT_ID, number):016x}" for number, _ in ring)


def test_second_begin_or_end_of_a_span_changes_nothing() -> None:
    once = tree(begin(2, 1, 200, "a"), end(2, 300))
    twice = tree(begin(2, 1, 200, "a"), begin(2, 1, 250, "b"), end(2, 300), end(2, 400, Outcome.EXCEPTION))
    assert once == twice


def test_end_before_the_begin_gives_no_negative_duration() -> None:
    assert only(tree(end(2, 100), begin(2, 1, 200, "a"))).duration_ns == 0


def test_records_of_the_ring_itself_are_passed_over() -> None:
    trace = tree(Event(EventType.FILL, 0), Event(EventType.BLOCK, 0, payload={"sequence": 4}))
    assert trace.root.children == ()


def test_ten_thousand_calls_deep() -> None:
    depth = 10_000
    calls = [enter(number, number - 1, number) for number in range(2, depth + 2)]
    returns = [leave(number, 2 * depth + 10 - number) for number in range(depth + 1, 1, -1)]
    trace = tree(lane("MainThread"), *calls, *returns)
    assert max(depth for depth, _ in trace.spans()) == depth
