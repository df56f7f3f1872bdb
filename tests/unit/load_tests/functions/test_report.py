from __future__ import annotations

import pytest

from load_tests.functions.measuring import added, middle
from load_tests.functions.report import checks, table
from load_tests.functions.variants import AST, BARE, CASES, MONITORING, VIZTRACER


def figures(**scope: float) -> dict[tuple[str, str], float]:
    """As measured where VizTracer adds 100 to everything, and scope 1, but for what is given."""
    values = {(name, case): float(value) for name, value in ((BARE, 20), (AST, 1), (VIZTRACER, 100)) for case in CASES}
    return values | {(AST, case.replace("_", "-")): value for case, value in scope.items()}


def test_what_counts_is_the_quickest_round_of_each() -> None:
    spent = {(BARE, "call"): [90_000, 40_000, 50_000], (AST, "call"): [240_000, 900_000]}
    assert added(spent) == {(BARE, "call"): 20.0, (AST, "call"): 100.0}


def test_requests_are_in_microseconds() -> None:
    spent = {(BARE, "fastapi"): [2_000_000], (AST, "fastapi"): [2_300_000]}
    assert added(spent) == {(BARE, "fastapi"): 100.0, (AST, "fastapi"): 15.0}


def test_a_figure_is_the_median_of_the_sets() -> None:
    name = (AST, "call")
    assert middle([{name: 90.0}, {name: 300.0}, {name: 95.0}]) == {name: 95.0}


def test_all_within_the_limits_is_met() -> None:
    assert all(check.met for check in checks(figures()))


@pytest.mark.parametrize(
    ("case", "value"),
    [("call", 121), ("coroutine", 121), ("off_plan", 5.5), ("other_module", 5.5), ("served", 20.5)],
)
def test_what_is_beyond_its_limit_is_missed(case: str, value: float) -> None:
    missed = [check for check in checks(figures(**{case: value})) if not check.met]
    assert [check.value for check in missed] == [value]
    assert str(missed[0]).startswith(f"MISSED ast: {CASES[case.replace('_', '-')].title} {value:.1f} ")


def test_each_engine_that_was_measured_has_its_limits() -> None:
    both = figures() | {(MONITORING, case): 125.0 if case == "call" else 1.0 for case in CASES}
    judged = {check.title: check for check in checks(both)}
    assert len(judged) == 2 * len(checks(figures()))
    assert (judged["monitoring: function"].limit, judged["monitoring: function"].met) == (130, True)


def test_the_table_has_a_line_for_each_case_and_a_column_for_each_variant() -> None:
    lines = table(figures(call=97.25), [BARE, AST, VIZTRACER])
    assert lines[0].split() == ["added", "to", "each", "(takes)", "ast", "viztracer"]
    assert lines[1].split() == ["function,", "ns", "20.0", "97.2", "100.0"]
    assert len(lines) == 1 + len(CASES)
    assert len({len(line) for line in lines}) == 1
