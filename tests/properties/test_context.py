"""Whatever the code of concurrent requests does to the context, each span has its right parent, each note its span."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scope.testing import captured

from .task_runner import Expected, Runner
from .task_trees import Body, programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scope.model import Span, Trace


CROWDS = st.sampled_from((0, 0, 4, 24))
"""Foreign variables that are set: the mapping that a context is changes its shape with their number."""

pytestmark = pytest.mark.usefixtures("no_integrations")


@pytest.fixture(autouse=True, scope="module")
def eager_threads() -> Iterator[None]:
    """Threads take turns a hundred times as often, so that they meet in the middle of things."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.00005)
    yield
    sys.setswitchinterval(before)


def ran(requests: list[Body], crowd: int) -> tuple[Expected, list[Trace]]:
    runner = Runner()
    with captured() as capture:
        runner.run(requests, crowd)
    return runner.expected, capture.traces()


def marked(span: Span) -> int:
    """The number of the operation that a span is of."""
    number = span.attributes.get("op")
    assert isinstance(number, int), f"{span.name} was opened by nobody: {span.attributes}"
    return number


def notes(span: Span) -> dict[str, object]:
    return {name: value for name, value in span.attributes.items() if name.startswith("note ")}


def parents(trace: Trace) -> dict[int, int]:
    by_id = {span.span_id: marked(span) for _, span in trace.spans()}
    return {marked(span): by_id[span.parent_id] if span.parent_id else 0 for _, span in trace.spans()}


SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example)


def booms(trace: Trace) -> dict[int, int]:
    """The number of the exception that left a span, by the number of the span."""
    escaped = ((marked(span), span.exception) for _, span in trace.spans())
    return {number: int(error.message) for number, error in escaped if error is not None}


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(programs(depth=3), CROWDS)
def test_parents_and_notes_are_those_of_the_model(requests: list[Body], crowd: int) -> None:
    """No trace holds another's span, annotation or exception; every parent is exact."""
    expected, traces = ran(requests, crowd)

    assert [trace.request.lost for trace in traces] == [0] * len(traces)
    found: dict[int, int] = {}
    for trace in traces:
        found |= parents(trace)
    assert found == expected.parents

    for trace in traces:
        root = marked(trace.root)
        for _, span in trace.spans():
            assert expected.traces[marked(span)] == root
            assert notes(span) == expected.notes.get(marked(span), {})


@settings(max_examples=50, deadline=None, suppress_health_check=SLOW)
@given(programs(depth=3), CROWDS)
def test_exceptions_are_recorded_where_they_leave_first(requests: list[Body], crowd: int) -> None:
    """Once each; again, further out, only where others came in between."""
    expected, traces = ran(requests, crowd)
    for trace in traces:
        found = booms(trace)
        for number, left in expected.left.items():
            for index, span in enumerate(left):
                assert found.get(span) == number or index > 0 or expected.traces[span] != marked(trace.root)
        assert all(span in expected.left[boom] for span, boom in found.items())
