"""Where an open request is."""

from __future__ import annotations

from scope.views.current import whereabouts
from tests.unit.views.samples import frozen, make_span, make_trace


def test_the_deepest_open_span_is_current_and_of_equals_the_latest() -> None:
    where = whereabouts(frozen())
    assert [span.name for span in where.path] == ["GET /report", "report", "GET stock/levels"]
    assert where.current.name == "GET stock/levels"
    assert where.branches == 2


def test_a_request_without_open_spans_is_in_its_root() -> None:
    where = whereabouts(make_trace(make_span("GET", 0, 9, make_span("done", 0, 1))))
    assert where.current.name == "GET"
    assert where.branches == 1


def test_an_open_span_below_a_closed_one_is_found() -> None:
    """A task outlives the span that started it."""
    where = whereabouts(make_trace(make_span("GET", 0, None, make_span("start", 0, 1, make_span("task", 0, None)))))
    assert [span.name for span in where.path] == ["GET", "start", "task"]
