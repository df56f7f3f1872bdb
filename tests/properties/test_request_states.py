"""Whatever concurrent requests do: what each was doing adds up to its time, and what they took from each other too."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from scope.integrations import install
from scope.model import State
from scope.testing import captured
from scope.views.blame import held_longest_ns, thefts, thefts_by, waited_ns
from scope.views.states import states, totals
from scope.views.statetext import percentages

from .task_runner import Runner
from .task_trees import Body, programs

if TYPE_CHECKING:
    from scope.model import Step, Trace

pytestmark = pytest.mark.usefixtures("no_integrations")
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example)


def ran(requests: list[Body]) -> list[Trace]:
    with install(["loops", "threads"]), captured() as capture:
        Runner().run(requests, 0)
        return capture.traces()


def in_loops(trace: Trace) -> list[Step]:
    return sorted((step for step in trace.steps if not step.in_thread), key=lambda step: step.start_ns)


def check_split(trace: Trace) -> None:
    """The states follow each other without gap or overlap from the request's begin to its end."""
    found = states(trace)
    assert all(one.end_ns == other.start_ns for one, other in pairwise(found))
    split = totals(found)
    assert sum(split.values()) == trace.request.duration_ns
    assert sum(percentages(split).values()) == 100
    assert trace.steps
    assert State.UNKNOWN not in split


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(programs(depth=3))
def test_what_each_request_was_doing_adds_up_to_its_time(requests: list[Body]) -> None:
    """Over tasks, threads, generators and cancellations."""
    traces = ran(requests)
    assert len(traces) == len(requests)
    for trace in traces:
        check_split(trace)
        assert trace.request.longest_step_ns == held_longest_ns(trace)
        steps = in_loops(trace)
        in_order = all(one.ready_ns <= other.ready_ns for one, other in pairwise(steps))
        if in_order and len(steps) == len(trace.steps):
            assert trace.request.loop_wait_ns == waited_ns(trace)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(programs(depth=2))
def test_no_more_is_stolen_than_was_waited_and_each_side_tells_the_same(requests: list[Body]) -> None:
    traces = ran(requests)
    by_thread: defaultdict[str, list[Step]] = defaultdict(list)
    for trace in traces:
        for step in in_loops(trace):
            by_thread[step.thread].append(step)
    for steps in by_thread.values():
        steps.sort(key=lambda step: step.start_ns)
        assert all(one.end_ns <= other.start_ns for one, other in pairwise(steps)), "a loop runs one step at a time"
    stolen, taken = dict[tuple[str, str], int](), dict[tuple[str, str], int]()
    for trace in traces:
        others = [other for other in traces if other is not trace]
        found = thefts(trace, others)
        assert sum(theft.stolen_ns for theft in found) <= waited_ns(trace)
        stolen |= {(theft.culprit.span_id, theft.victim.span_id): theft.stolen_ns for theft in found}
        by = thefts_by(trace, others)
        taken |= {(theft.culprit.span_id, theft.victim.span_id): theft.stolen_ns for theft in by}
    assert stolen == taken
