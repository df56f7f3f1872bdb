"""Functions that lose their probes, as rules of a Plan."""

from __future__ import annotations

import pytest

from scope.instrument import shedding
from scope.instrument.plan import Candidate, Level, Plan
from scope.instrument.shedding import functions_taken_out, rule_without


@pytest.mark.parametrize(
    ("name", "left_out", "kept"),
    [
        ("shop.pricing.tax", "tax", "taxes"),
        ("shop.pricing.Order.total", "Order.total", "Order.totals"),
        ("shop.pricing.outer.<locals>.inner", "outer.<locals>.inner", "outer"),
    ],
)
def test_the_rule_is_about_the_function_of_that_name(name: str, left_out: str, kept: str) -> None:
    rule = rule_without(name)
    assert rule.level is Level.OFF
    plan = Plan((rule,))
    assert plan.level(Candidate("shop.pricing", left_out, is_owned=True)) is Level.OFF
    assert plan.level(Candidate("shop.pricing", kept, is_owned=True)) is Level.TIMING


def test_those_that_are_called_most_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding, "shedding", lambda: (5, [("a.b", 11), ("a.c", 5000), ("a.d", 200)]))
    assert functions_taken_out() == ["a.c", "a.d", "a.b"]
