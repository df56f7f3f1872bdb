"""An analysis corrected by traces: what costs goes up, what nobody asks for goes down, calls are as counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.instrument.analyse import Measured, MeasuredFunction, corrected

from .kit import analysed

if TYPE_CHECKING:
    from pathlib import Path

    from scope.instrument.analyse import Analysis, Finding

MS = 1_000_000
SOURCE = """
    import time
    from fastapi import FastAPI
    app = FastAPI()

    @app.get("/busy")
    async def busy():
        open("x")
        for _ in range(3):
            price(await load())

    @app.get("/idle")
    async def idle():
        time.sleep(1)

    @app.get("/other")
    async def other():
        try:
            pause()
        except Exception:
            pass

    def pause():
        time.sleep(1)

    def price(x):
        return round(x)

    async def load():
        return 1

    def unreached(x):
        return round(x)
"""
ALL = {("GET", "/busy"): 90, ("GET", "/other"): 9}


@pytest.fixture
def analysis(tmp_path: Path) -> Analysis:
    return analysed(tmp_path, main=SOURCE)


def measured(routes: dict[tuple[str, str], int] | None = None, **functions: MeasuredFunction) -> Measured:
    routes = ALL if routes is None else routes
    return Measured(10, sum(routes.values()), {f"main.{name}": each for name, each in functions.items()}, routes)


def ranked(analysis: Analysis) -> list[tuple[str, str, str]]:
    return [(each.rule, each.function.removeprefix("main."), each.severity.name) for each in analysis.findings]


def finding(analysis: Analysis, function: str, rule: str = "blocking-call") -> Finding:
    [found] = [each for each in analysis.findings if (each.rule, each.function) == (rule, f"main.{function}")]
    return found


def test_without_traces_severity_ranks(analysis: Analysis) -> None:
    assert ranked(analysis) == [
        ("blocking-call", "idle", "HIGH"),
        ("blocking-call", "pause", "HIGH"),
        ("swallowed-exception", "other", "MEDIUM"),
        ("blocking-call", "busy", "LOW"),
    ]


def test_what_held_the_loop_goes_up_and_what_is_never_called_goes_down(analysis: Analysis) -> None:
    seen = MeasuredFunction(90, 90, 400 * MS, 310 * MS, "slow", 300 * MS, "holding")
    after = corrected(analysis, measured(busy=seen))
    assert ranked(after) == [
        ("blocking-call", "busy", "HIGH"),
        ("blocking-call", "pause", "HIGH"),
        ("swallowed-exception", "other", "MEDIUM"),
        ("blocking-call", "idle", "MEDIUM"),
    ]
    cost = finding(after, "busy").cost
    assert cost is not None
    assert (cost.ns, cost.did, cost.example, cost.calls) == (300 * MS, "held the loop", "holding", 90)
    never = finding(after, "idle").cost
    assert never is not None
    assert never.calls == 0


@pytest.mark.parametrize(("held_ms", "severity"), [(9, "LOW"), (10, "MEDIUM"), (99, "MEDIUM"), (100, "HIGH")])
def test_how_long_it_held_the_loop_says_how_severe_it_is(analysis: Analysis, held_ms: int, severity: str) -> None:
    after = corrected(analysis, measured(busy=MeasuredFunction(1, 1, MS, MS, "a", held_ms * MS, "a")))
    assert finding(after, "busy").severity.name == severity


def test_a_function_that_is_not_recorded_is_judged_by_the_one_that_called_it(analysis: Analysis) -> None:
    after = corrected(analysis, measured(other=MeasuredFunction(1, 1, MS, MS, "a", 50 * MS, "b")))
    cost = finding(after, "pause").cost
    assert cost is not None
    assert (cost.ns, cost.example) == (50 * MS, "b")


def test_what_a_swallowed_exception_costs_is_not_known_but_that_it_was_called_is(analysis: Analysis) -> None:
    after = corrected(analysis, measured(other=MeasuredFunction(4, 4, MS, MS, "a")))
    cost = finding(after, "other", "swallowed-exception").cost
    assert cost is not None
    assert (cost.calls, cost.ns) == (4, 0)


def test_a_query_in_a_loop_costs_what_its_function_took_at_worst(tmp_path: Path) -> None:
    source = """
        def load(session, ids):
            return [session.execute(each) for each in ids]
    """
    analysis = analysed(tmp_path, main=source)
    after = corrected(analysis, measured(load=MeasuredFunction(3, 2, 300 * MS, 200 * MS, "slow", 1 * MS, "b")))
    [found] = after.findings
    assert found.cost is not None
    assert (found.cost.ns, found.cost.did, found.cost.example) == (200 * MS, "took", "slow")
    assert (analysis.findings[0].severity.name, found.severity.name) == ("MEDIUM", "HIGH")


def test_the_plan_counts_calls_as_they_were_counted(analysis: Analysis) -> None:
    before = {each.function.qualname: each for each in analysis.plan}
    assert (before["load"].calls, before["load"].basis) == (10, "guessed")
    seen = {
        "load": MeasuredFunction(70, 20, MS, MS, "a"),
        "price": MeasuredFunction(1_000, 1, MS, MS, "a"),
        "unreached": MeasuredFunction(1, 1, MS, MS, "a"),
    }
    after = {each.function.qualname: each for each in corrected(analysis, measured(None, **seen)).plan}
    assert (after["load"].level, after["load"].calls, after["load"].cost_ns) == ("timing", 4, 480)
    assert after["load"].basis == "measured in 20 requests"
    assert (after["price"].level, after["price"].reason) == ("off", "called too often")
    assert (after["unreached"].level, after["unreached"].basis) == ("timing", "measured in 1 request")
    assert after["idle"] == before["idle"]


def test_what_does_next_to_nothing_stays_out_however_seldom_it_is_called(tmp_path: Path) -> None:
    source = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef front():\n    return 1\n"
    analysis = analysed(tmp_path, main=source)
    after = corrected(analysis, measured({("GET", "/"): 1}, front=MeasuredFunction(1, 1, MS, MS, "a")))
    assert [(each.level, each.reason) for each in after.plan] == [("off", "a few lines that call nothing")]


def test_a_store_without_requests_says_nothing(analysis: Analysis) -> None:
    after = corrected(analysis, measured({}))
    assert (after.findings, after.plan) == (analysis.findings, analysis.plan)
    assert after.measured is not None
