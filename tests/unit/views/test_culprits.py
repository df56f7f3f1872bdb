"""What held event loops, ranked: grouped by function and route, with everybody who waited meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scope.model import ProcessEvent, Step, Trace
from scope.views.blame import thefts
from scope.views.culprits import Culprit, Ranking
from tests.unit.views.samples import MS, START_NS, make_span, make_trace
from tests.unit.views.test_states import step

LEAST_NS = 10 * MS


def request(name: str, *steps: Step, route: str = "", function: str = "", **fields: object) -> Trace:
    """A request of 200 ms that called ``function``, if any, all the time."""
    spans = [make_span(function, 0, 200)] if function else []
    whole = make_trace(make_span("GET", 0, 200, *spans), id=name, route=route or f"/{name}", **fields)
    request = replace(whole.request, span_id=name)
    return replace(whole, request=request, steps=steps)


def ranked(*traces: Trace, least_ns: int = LEAST_NS) -> list[Culprit]:
    ranking = Ranking(least_ns)
    for trace in traces:
        ranking.add_waits(trace)
        ranking.add_holds(trace)
    return ranking.culprits()


BLOCKER = request("blocker", step(0, 0, 60), step(100, 100, 130), route="/report", function="render")
VICTIMS = [request(f"victim{number}", step(0, 0, 0), step(10 + number, 60, 61)) for number in range(3)]


def test_a_culprit_has_its_steps_its_victims_and_what_it_took() -> None:
    [culprit] = ranked(*VICTIMS, BLOCKER)
    assert culprit == Culprit(
        function="render",
        route="GET /report",
        service="shop",
        steps=2,
        held_ns=90 * MS,
        longest_ns=60 * MS,
        victims=3,
        stolen_ns=(50 + 49 + 48) * MS,
        culprit_id="blocker",
        victim_id="victim0",
    )


def test_requests_of_one_function_and_route_are_one_culprit() -> None:
    again = request("again", step(140, 140, 190), route="/report", function="render")
    late = request("late", step(0, 0, 0), step(150, 190, 191))
    [culprit] = ranked(BLOCKER, again, late, *VICTIMS)
    assert (culprit.steps, culprit.held_ns, culprit.victims) == (3, 140 * MS, 4)
    assert culprit.culprit_id == "blocker"


def test_another_function_route_or_service_is_another_culprit() -> None:
    one = request("one", step(0, 0, 20), route="/report", function="render")
    others = [
        request("two", step(20, 20, 41), route="/report", function="query"),
        request("three", step(41, 41, 63), route="/other", function="render"),
        request("four", step(63, 63, 86), route="/report", function="render", service="mail"),
    ]
    assert [each.culprit_id for each in ranked(one, *others)] == ["four", "three", "two", "one"]


def test_who_took_most_comes_first_then_who_held_longest() -> None:
    idle = request("idle", step(60, 60, 100))
    assert [each.culprit_id for each in ranked(idle, BLOCKER, *VICTIMS)] == ["blocker", "idle"]


def test_who_made_nobody_wait_has_no_victim() -> None:
    [culprit] = ranked(BLOCKER)
    assert (culprit.victims, culprit.stolen_ns, culprit.victim_id) == (0, 0, None)


def test_short_steps_and_work_in_threads_hold_nothing() -> None:
    short = request("short", step(0, 0, 9))
    pooled = request("pooled", step(0, 0, 100, in_thread=True))
    assert ranked(short, pooled, *VICTIMS) == []
    assert [each.culprit_id for each in ranked(short, *VICTIMS, least_ns=9 * MS)] == ["short"]


def test_other_processes_and_loops_lose_nothing() -> None:
    elsewhere = request("elsewhere", step(0, 0, 0), step(10, 60, 61), pid=1)
    beside = request("beside", replace(step(10, 60, 61), thread="other loop"))
    [culprit] = ranked(BLOCKER, elsewhere, beside)
    assert culprit.victims == 0


def test_a_request_of_two_loops_waits_for_each() -> None:
    other = replace(step(0, 0, 60), thread="other loop")
    both = request("both", step(10, 60, 61), replace(step(20, 62, 63), thread="other loop"))
    found = ranked(BLOCKER, request("second", other), both)
    assert {each.culprit_id: each.victims for each in found} == {"blocker": 1, "second": 1}


def test_what_ran_in_no_request_is_ranked_by_its_name() -> None:
    ran = ProcessEvent("step", 4711, "shop", START_NS + 20 * MS, 15 * MS, thread="MainThread", name="housekeeping")
    events = [
        ran,
        replace(ran, start_ns=START_NS + 40 * MS),
        replace(ran, kind="gc", name="", start_ns=START_NS + 45 * MS, duration_ns=10 * MS),
        replace(ran, kind="gc", name="", start_ns=START_NS + 56 * MS, duration_ns=11 * MS),
        replace(ran, name="short", start_ns=START_NS, duration_ns=9 * MS),
        replace(ran, name="", pid=1),
        replace(ran, kind="exit"),
    ]
    ranking = Ranking(LEAST_NS)
    ranking.add_events(events)
    for victim in VICTIMS:
        ranking.add_waits(victim)
    found = {each.function: (each.steps, each.victims, each.stolen_ns // MS) for each in ranking.culprits()}
    assert found == {"housekeeping": (2, 3, 3 * 30), "garbage collection": (1, 3, 3 * 4), "(unnamed)": (1, 0, 0)}
    assert {(each.route, each.culprit_id) for each in ranking.culprits()} == {("", None)}


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from("ab")), max_size=8),
    st.lists(st.tuples(st.integers(0, 190), st.integers(0, 100)), max_size=8),
)
def test_what_is_ranked_is_what_each_victim_is_told(
    runs: list[tuple[int, int, str]], waits: list[tuple[int, int]]
) -> None:
    """Each loop runs one step at a time; none is too short to be told of here."""
    at, culprits = 0, list[Trace]()
    for gap, length, route in runs:
        start, end = at + gap, at + gap + length
        culprits.append(request(f"culprit{len(culprits)}", step(start, start, end), route=f"/{route}"))
        at = end
    victims = [
        request(f"victim{number}", step(ready, ready + waited, ready + waited))
        for number, (ready, waited) in enumerate(waits)
    ]
    told: Counter[str] = Counter()
    for victim in victims:
        for theft in thefts(victim, culprits):
            told[f"GET {theft.culprit.route}"] += theft.stolen_ns
    ranking = Ranking(0)
    for culprit in culprits:
        ranking.add_holds(culprit)
    for victim in victims:
        ranking.add_waits(victim)
    assert {each.route: each.stolen_ns for each in ranking.culprits() if each.stolen_ns} == dict(told)
