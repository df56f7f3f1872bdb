"""Who held the loop while others waited for it, and what is said of it on either side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from scope.model import ProcessEvent, Span, State, Step, Trace
from scope.views.blame import Blame, held_longest_ns, thefts, thefts_by, thefts_outside, waited_ns
from scope.views.blametext import blame_lines
from scope.views.lines import plain
from scope.views.states import states
from tests.unit.views.samples import MS, START_NS, make_span, make_trace
from tests.unit.views.test_states import step

if TYPE_CHECKING:
    from collections.abc import Sequence


def request(path: str, *steps: Step, spans: tuple[Span, ...] = (), lasts: float = 100) -> Trace:
    whole = make_trace(make_span(path, 0, lasts, *spans), id=f"id{path}", path=path, route=path)
    return replace(whole, steps=steps)


def told(victim: Trace, *others: Trace) -> list[tuple[str, str, int]]:
    return [(each.culprit.path, each.function, each.stolen_ns // MS) for each in thefts(victim, others)]


VICTIM = request("/victim", step(0, 0, 10), step(20, 70, 100))
CULPRIT = request("/culprit", step(20, 20, 60), spans=(make_span("report", 20, 40, make_span("render", 21, 38)),))


def test_the_culprit_is_named_with_its_innermost_function_and_what_it_took() -> None:
    assert told(VICTIM, CULPRIT) == [("/culprit", "render", 40)]


def test_only_what_overlaps_counts_and_the_worst_comes_first() -> None:
    short = request("/short", step(0, 0, 25), step(60, 60, 64))
    assert told(VICTIM, short, CULPRIT) == [("/culprit", "render", 40), ("/short", "/short", 9)]


def test_a_span_that_takes_less_than_half_of_the_step_is_not_to_blame() -> None:
    spans = (make_span("report", 20, 40, make_span("one", 21, 15), make_span("two", 37, 15)),)
    assert told(VICTIM, replace(CULPRIT, root=request("/culprit", spans=spans).root)) == [("/culprit", "report", 40)]


def test_a_span_without_an_end_lasts_on() -> None:
    spans = (make_span("stuck", 19, None),)
    assert told(VICTIM, replace(CULPRIT, root=request("/culprit", spans=spans).root)) == [("/culprit", "stuck", 40)]


def test_work_in_other_threads_takes_nothing() -> None:
    elsewhere = replace(CULPRIT, steps=(replace(CULPRIT.steps[0], thread="other loop"),))
    pooled = replace(CULPRIT, steps=(replace(CULPRIT.steps[0], in_thread=True),))
    assert told(VICTIM, elsewhere, pooled) == []


def test_how_long_it_waited_and_held() -> None:
    assert (waited_ns(VICTIM), held_longest_ns(VICTIM)) == (50 * MS, 30 * MS)
    assert held_longest_ns(request("/idle")) == 0


@given(st.lists(st.integers(0, 100), max_size=20))
def test_no_more_is_stolen_than_was_waited(moments: list[int]) -> None:
    """A loop runs one step at a time."""
    moments.sort()
    steps = [step(start, start, end) for start, end in zip(moments[::2], moments[1::2], strict=False)]
    others = [request(f"/{number}", each) for number, each in enumerate(steps)]
    taken = sum(theft.stolen_ns for theft in thefts(VICTIM, others))
    waits = [(each.start_ns, each.end_ns) for each in states(VICTIM) if each.state is State.WAITING_FOR_LOOP]
    [(first, last)] = waits
    assert taken == sum(max(0, min(each.end_ns, last) - max(each.start_ns, first)) for each in steps)


# --- the lines ------------------------------------------------------------------------------------------------------


def blame(
    trace: Trace, *others: Trace, events: Sequence[ProcessEvent] = (), skipped: tuple[int, int] = (0, 0)
) -> Blame:
    stolen, taken = tuple(thefts(trace, others)), tuple(thefts_by(trace, others))
    outside = tuple(thefts_outside(trace, events))
    return Blame(waited_ns(trace), stolen, outside, held_longest_ns(trace), taken, *skipped)


def told_of(blame: Blame, least_ms: int = 10) -> list[str]:
    return [plain(line) for line in blame_lines(blame, least_ms * MS)]


def said(trace: Trace, *others: Trace, least_ms: int = 10) -> list[str]:
    return told_of(blame(trace, *others), least_ms)


def event(start_ms: int, lasts_ms: int, name: str = "housekeeping", **facts: Any) -> ProcessEvent:
    return replace(
        ProcessEvent("step", 1, "shop", START_NS + start_ms * MS, lasts_ms * MS, thread="MainThread", name=name),
        **facts,
    )


def outside(*events: ProcessEvent) -> list[tuple[str, int]]:
    return [(each.example.name, each.stolen_ns // MS) for each in thefts_outside(VICTIM, events)]


def test_what_ran_outside_requests_is_to_blame_for_what_it_took_in_all() -> None:
    events = [event(10, 15), event(30, 20, "other"), event(50, 10), event(60, 20)]
    assert outside(*events) == [("housekeeping", 25), ("other", 20)]


def test_what_held_another_thread_or_at_another_time_took_nothing() -> None:
    assert outside(event(20, 10, thread="other loop"), event(0, 20), event(70, 30), event(20, 10, kind="exit")) == []


def test_garbage_collection_within_a_step_is_part_of_that() -> None:
    pauses = [event(22, 5, "", kind="gc"), event(60, 5, "", kind="gc")]
    assert outside(event(20, 20), *pauses) == [("housekeeping", 20), ("", 5)]


def test_a_victim_is_told_what_held_its_loop_in_no_request() -> None:
    place: dict[str, Any] = {"file": "/srv/jobs.py", "line": 12}
    events = [event(20, 10, **place), event(30, 11, "late", left_over=True), event(42, 12, "", kind="gc"), event(55, 5)]
    assert told_of(blame(VICTIM, CULPRIT, events=events))[1:4] == [
        "  40 ms for GET /culprit in render, id id/culprit",
        "  12 ms for garbage collection outside any request",
        "  11 ms for late left over by a request that had ended",
    ]
    assert told_of(blame(VICTIM, events=events[:1])) == [
        "waited 50 ms for its loop",
        "  10 ms for housekeeping outside any request, /srv/jobs.py:12",
        "  40 ms for what no stored request did",
    ]


def test_a_victim_is_told_who_blocked_it_and_what_is_left() -> None:
    assert said(replace(VICTIM, steps=(step(0, 0, 5), step(20, 80, 85))), CULPRIT) == [
        "waited 60 ms for its loop",
        "  40 ms for GET /culprit in render, id id/culprit",
        "  20 ms for what no stored request did",
    ]


def test_many_short_thefts_are_summed_up() -> None:
    holders = [request(f"/{number}", step(start, start, start + 9)) for number, start in enumerate(range(20, 65, 9))]
    assert said(VICTIM, *holders) == ["waited 50 ms for its loop", "  45 ms for 5 more"]
    assert len(said(VICTIM, *holders, least_ms=5)) == 1 + 3 + 1 + 1


def test_what_is_too_short_to_be_told_of_is_not_told() -> None:
    assert said(VICTIM, CULPRIT, least_ms=51) == []
    assert said(CULPRIT, VICTIM, least_ms=41) == []
    assert said(CULPRIT, VICTIM, least_ms=40) != []


def test_a_culprit_is_told_who_waited() -> None:
    victims = [
        request(f"/victim{number}", step(0, 0, 1), step(20 + 10 * number, 65, 70), lasts=70) for number in range(5)
    ]
    assert said(CULPRIT, *victims) == [
        "held its loop 40 ms at a stretch, in render: 4 requests waited 100 ms for it",
        "  40 ms of GET /victim0, id id/victim0",
        "  30 ms of GET /victim1, id id/victim1",
        "  20 ms of GET /victim2, id id/victim2",
        "  10 ms of 1 more",
    ]
    assert said(CULPRIT, victims[0])[0].endswith("1 request waited 40 ms for it")


def test_who_held_it_and_hurt_nobody_is_not_told() -> None:
    assert said(CULPRIT, request("/other", step(0, 0, 1))) == []


def test_what_was_too_much_to_read_is_said_where_it_may_matter() -> None:
    assert told_of(blame(VICTIM, CULPRIT, skipped=(2, 0)))[-1] == (
        "  10 ms for what no stored request did, or one of 2 that were too many to read"
    )
    holds = request("/holds", step(20, 20, 70))
    assert told_of(blame(VICTIM, holds, skipped=(2, 0)))[1:] == ["  50 ms for GET /holds in /holds, id id/holds"]
    assert told_of(blame(CULPRIT, VICTIM, skipped=(0, 3)))[-1] == "  and perhaps of 3 that were too many to read"


@given(st.lists(st.integers(0, 99), max_size=30), st.lists(st.integers(0, 99), max_size=30))
def test_what_a_step_takes_is_the_sum_of_its_overlaps(victims: list[int], culprits: list[int]) -> None:
    """Though only the waits near it are looked at."""
    moments = sorted({*victims})
    waiting = [step(*three) for three in zip(moments[::3], moments[1::3], moments[2::3], strict=False)]
    ends = sorted({*culprits})
    running = [step(start, start, end) for start, end in zip(ends[::2], ends[1::2], strict=False)]
    victim = request("/victim", *waiting)
    waits = [(each.start_ns, each.end_ns) for each in states(victim) if each.state is State.WAITING_FOR_LOOP]
    taken = [theft.stolen_ns for theft in thefts(victim, [request("/culprit", *running)])]
    overlaps = [min(run.end_ns, end) - max(run.start_ns, start) for run in running for start, end in waits]
    assert sum(taken) == sum(max(0, each) for each in overlaps)
