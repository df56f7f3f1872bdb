"""What a request was doing: every moment has one state, and they add up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scope.model import LeftOut, State, Step, Trace
from scope.views.states import states, totals
from scope.views.statetext import percentages
from tests.unit.views.samples import MS, START_NS, make_span, make_trace

END_MS = 100


def step(ready: int, start: int, end: int, *, in_thread: bool = False, awaits: str = "") -> Step:
    """A step by milliseconds of the request."""
    return Step("MainThread", START_NS + ready * MS, START_NS + start * MS, START_NS + end * MS, in_thread, awaits)


def trace(*steps: Step, lost: int = 0) -> Trace:
    return replace(make_trace(make_span("GET", 0, END_MS), lost=lost), steps=steps)


def told(trace: Trace) -> list[tuple[str, int, str]]:
    return [(each.state.value, each.duration_ns // MS, each.label) for each in states(trace)]


def test_a_request_that_never_waits_runs() -> None:
    assert told(trace(step(0, 0, 100))) == [("running", 100, "")]


def test_between_steps_it_awaits_what_the_last_one_named_then_waits_for_its_loop() -> None:
    assert told(trace(step(0, 0, 10, awaits="sleep"), step(60, 80, 100))) == [
        ("running", 10, ""),
        ("awaiting", 50, "sleep"),
        ("waiting_for_loop", 20, ""),
        ("running", 20, ""),
    ]


def test_work_in_a_thread_waits_for_it_and_then_runs_there() -> None:
    assert told(trace(step(0, 0, 10, awaits="to_thread"), step(10, 40, 90, in_thread=True), step(90, 95, 100))) == [
        ("running", 10, ""),
        ("waiting_for_thread", 30, ""),
        ("in_thread", 50, ""),
        ("waiting_for_loop", 5, ""),
        ("running", 5, ""),
    ]


def test_of_several_tasks_the_state_that_says_most_counts() -> None:
    one, two = step(0, 0, 30), step(0, 20, 60)
    pooled = step(10, 50, 100, in_thread=True)
    assert told(trace(one, two, pooled)) == [("running", 60, ""), ("in_thread", 40, "")]


def test_before_the_first_step_nothing_is_known() -> None:
    """It was under way when watching began."""
    assert told(trace(step(40, 60, 80))) == [
        ("unknown", 40, ""),
        ("waiting_for_loop", 20, ""),
        ("running", 20, ""),
        ("awaiting", 20, ""),
    ]


def test_what_lies_outside_the_request_does_not_count() -> None:
    assert told(trace(step(-40, -20, 30), step(90, 95, 130))) == [
        ("running", 30, ""),
        ("awaiting", 60, ""),
        ("waiting_for_loop", 5, ""),
        ("running", 5, ""),
    ]


def test_without_steps_nothing_is_known() -> None:
    assert told(trace()) == [("unknown", 100, "")]


def test_where_events_were_lost_what_is_left_is_unknown() -> None:
    assert told(trace(step(0, 0, 10, awaits="sleep"), lost=3)) == [("running", 10, ""), ("unknown", 90, "")]


def test_a_request_without_duration_has_no_states() -> None:
    whole = trace(step(0, 0, 0))
    assert states(replace(whole, request=replace(whole.request, duration_ns=0))) == ()


def step_at(moments: list[int], *, in_thread: bool, awaits: str) -> Step:
    ready_ns, start_ns, end_ns = (START_NS + each for each in moments)
    return Step("t", ready_ns, start_ns, end_ns, in_thread, awaits)


MOMENTS = st.integers(-20 * MS, 120 * MS)
STEPS = st.builds(
    lambda moments, in_thread, awaits: step_at(sorted(moments), in_thread=in_thread, awaits=awaits),
    st.tuples(MOMENTS, MOMENTS, MOMENTS),
    st.booleans(),
    st.sampled_from(["", "sleep", "read"]),
)


@given(st.lists(STEPS, max_size=12), st.sampled_from([0, 0, 3]), st.sampled_from([0, 0, 5]))
def test_states_follow_each_other_and_add_up(steps: list[Step], lost: int, left_out: int) -> None:
    """Also those of a trace that lost events, or was assembled without all of its steps."""
    whole = replace(trace(*steps, lost=lost), left_out=LeftOut(steps=left_out))
    found = states(whole)
    assert [each.start_ns for each in found[1:]] == [each.end_ns for each in found[:-1]]
    assert (found[0].start_ns, found[-1].end_ns) == (START_NS, START_NS + END_MS * MS)
    assert all(each.duration_ns > 0 for each in found)
    assert all((a.state, a.label) != (b.state, b.label) for a, b in pairwise(found))
    assert sum(totals(found).values()) == whole.request.duration_ns
    assert sum(percentages(totals(found)).values()) == 100


@given(
    st.lists(STEPS, min_size=1, max_size=6),
    st.integers(0, END_MS * MS - 1),
    st.sampled_from([0, 0, 3]),
    st.sampled_from([0, 0, 5]),
)
def test_each_moment_is_in_the_first_state_that_holds(steps: list[Step], moment: int, lost: int, left_out: int) -> None:
    at = START_NS + moment
    holds = {
        State.RUNNING: any(not each.in_thread and each.start_ns <= at < each.end_ns for each in steps),
        State.IN_THREAD: any(each.in_thread and each.start_ns <= at < each.end_ns for each in steps),
        State.WAITING_FOR_LOOP: any(not each.in_thread and each.ready_ns <= at < each.start_ns for each in steps),
        State.WAITING_FOR_THREAD: any(each.in_thread and each.ready_ns <= at < each.start_ns for each in steps),
    }
    watched = at >= min(each.ready_ns for each in steps) and not lost
    idle = State.AWAITING if watched else State.UNKNOWN
    whole = replace(trace(*steps, lost=lost), left_out=LeftOut(steps=left_out))
    is_left_out = left_out > 0 and at >= max(each.end_ns for each in steps)
    expected = next((state for state, held in holds.items() if held and not is_left_out), idle)
    [found] = [each.state for each in states(whole) if each.start_ns <= at < each.end_ns]
    assert found is (State.UNKNOWN if is_left_out else expected)


def test_what_follows_the_steps_that_were_kept_is_unknown() -> None:
    cut = replace(trace(step(0, 0, 10), step(20, 20, 30)), left_out=LeftOut(steps=5))
    assert told(cut) == [("running", 10, ""), ("awaiting", 10, ""), ("running", 10, ""), ("unknown", 70, "")]
    assert told(replace(cut, steps=())) == [("unknown", 100, "")]
    assert told(replace(cut, steps=(step(0, 0, 200),))) == [("running", 100, "")]
