from __future__ import annotations

import pytest

from load_tests.functions.measuring import added, middle
from load_tests.functions.report import checks, table
from load_tests.functions.variants import BARE, CASES, SCOPE, VIZTRACER


def figures(**scope: float) -> dict[tuple[str, str], float]:
    """As measured where VizTracer adds 100 to everything, and scope 1, but for what is given."""
    values = {
        (name, case): float(value) for name, value in ((BARE, 20), (SCOPE, 1), (VIZTRACER, 100)) for case in CASES
    }
    return values | {(SCOPE, case.replace("_", "-")): value for case, value in scope.items()}


def test_what_counts_is_the_quickest_round_of_each() -> None:
    spent = {(BARE, "call"): [90_000, 40_000, 50_000], (SCOPE, "call"): [240_000, 900_000]}
    assert added(spent) == {(BARE, "call"): 20.0, (SCOPE, "call"): 100.0}


def test_requests_are_in_microseconds() -> None:
    spent = {(BARE, "fastapi"): [2_000_000], (SCOPE, "fastapi"): [2_300_000]}
    assert added(spent) == {(BARE, "fastapi"): 100.0, (SCOPE, "fastapi"): 15.0}


def test_a_figure_is_the_median_of_the_sets() -> None:
    name = (SCOPE, "call")
    assert middle([{name: 90.0}, {name: 300.0}, {name: 95.0}]) == {name: 95.0}


def test_all_within_the_limits_is_met() -> None:
    assert all(check.met for check in checks(figures()))


@pytest.mark.parametrize(
    ("case", "value"),
    [("call", 121), ("coroutine", 121), ("off_plan", 5.5), ("other_module", 5.5), ("plain", 20.5), ("fastapi", 20.5)],
)
def test_what_is_beyond_its_limit_is_missed(case: str, value: float) -> None:
    missed = [check for check in checks(figures(**{case: value})) if not check.met]
    assert [check.value for check in missed] == [value]
    assert str(missed[0]).startswith(f"MISSED {CASES[case.replace('_', '-')].title}: {value:.1f} ")


def test_the_table_has_a_line_for_each_case_and_a_column_for_each_variant() -> None:
    lines = table(figures(call=97.25), [BARE, SCOPE, VIZTRACER])
    assert lines[0].split() == ["added", "to", "each", "(takes)", "scope", "viztracer"]
    assert lines[1].split() == ["function,", "ns", "20.0", "97.2", "100.0"]
    assert len(lines) == 1 + len(CASES)
    assert len({len(line) for line in lines}) == 1
