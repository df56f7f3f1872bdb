"""What the patterns of rules match."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from scope.instrument.plan import Candidate, Condition, Level, Rule, RuleError

ORDER = Candidate("shop.models", "Order.total.<locals>.add", ("app.get", "cached"))

MATCHES = [
    "shop", "shop.*", "shop.models", "shop.models.*", "shop.models.Order", "shop.models.Order.total", "*.Order.*",
    "s?op.*",
    "shop.models.Order.total.add", "shop.models:Order",
    "shop.models:Order.*", "shop.*:*", "*:Order.total.add", "*",
    "@app.get", "@app.*", "@cached", "@*",
]  # fmt: skip
MISSES = [
    "sho", "hop.*", "shop.model", "shop.models.Ord", "shop:Order", "shop.models:total", "shop.models:Ord", "@get",
    "@app",
    "@app.gets", "models.*", "shop.models.order",
]  # fmt: skip


@pytest.mark.parametrize("pattern", MATCHES)
def test_a_pattern_matches_what_it_names_and_all_within(pattern: str) -> None:
    rule = Rule.parse(pattern)
    assert rule.matches(ORDER)
    assert rule.may_match_in("shop.models")


@pytest.mark.parametrize("pattern", MISSES)
def test_a_pattern_matches_nothing_else(pattern: str) -> None:
    assert not Rule.parse(pattern).matches(ORDER)


@pytest.mark.parametrize(
    ("pattern", "module", "may"),
    [
        ("shop.pricing.*", "shop", True),  # its function pricing may have functions within
        ("shop.pricing.*", "shop.pricing.tax", True),
        ("shop.pricing.*", "shop.models", False),
        ("shop.pricing:*", "shop.pricing.tax", False),
        ("shop.pricing:*", "shop.pricing", True),
        ("shop.pricing", "shop.pricing.tax", True),
        ("shop.pricing", "shop.pricings", False),
        ("*.pricing", "anything", True),
        ("@task", "anything", True),
    ],
)
def test_modules_without_a_match_are_told_by_their_name(pattern: str, module: str, may: bool) -> None:
    assert Rule.parse(pattern).may_match_in(module) is may


@pytest.mark.parametrize(("text", "level"), [("a", Level.TIMING), ("a=off", Level.OFF), (" a.b=lines ", Level.LINES)])
def test_a_rule_gives_a_level_timing_unless_it_says_otherwise(text: str, level: Level) -> None:
    rule = Rule.parse(text)
    assert rule.level is level
    assert Rule.parse(str(rule)) == rule


def test_a_lambda_is_refused_with_what_is_recorded_of_it() -> None:
    with pytest.raises(RuleError, match="a lambda is not recorded by itself; name the function around it"):
        Rule.parse("shop.pricing.<lambda>")


CRITERIA = [
    ("a if route:/items/{id}", Condition(route="/items/{id}"), 0),
    ("a=values if route:get /items/{id:int}", Condition("GET", "/items/{id}"), 0),
    ("a if route:/items/*", Condition(route="/items/*"), 0),
    ("a if id:8f14-e45f.1", Condition(id="8f14-e45f.1"), 0),
    ("a if next:0123abcd", Condition(ticket="0123abcd"), 0),
    ("a if complexity>=10", None, 10),
    ("a if complexity>=3 and route:/ and id:x and next:01234567", Condition(None, "/", "x", "01234567"), 3),
]


@pytest.mark.parametrize(("text", "condition", "complexity"), CRITERIA)
def test_a_rule_may_be_limited_to_requests_and_to_complex_functions(
    text: str, condition: Condition | None, complexity: int
) -> None:
    rule = Rule.parse(text)
    assert (rule.criteria.condition, rule.criteria.complexity) == (condition, complexity)
    assert Rule.parse(str(rule)) == rule


def test_a_rule_for_complex_functions_misses_others() -> None:
    rule = Rule.parse("shop if complexity>=4")
    assert [rule.matches(replace(ORDER, complexity=ways)) for ways in (0, 3, 4, 5)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("a if", "is no pattern of functions"),
        ("a if ", "is no pattern of functions"),
        ("a if x", "'x' is nothing that a rule can ask for: write route:/items/{id}"),
        ("a if route:items", "'route:items' is nothing"),
        ("a if route:GET", "'route:GET' is nothing"),
        ("a if id:", "'id:' is nothing"),
        ("a if complexity>10", "'complexity>10' is nothing"),
        ("a if route:/ and", "'route:/ and' is nothing"),
        ("a if route:/ and route:/x", "route is said twice"),
        ("a if next", "only be asked for of running processes: scope probe --next"),
        ("a=deep if route:/", "there is no level 'deep'"),
        ("a=values@3", "lines are those of locals"),
        ("a=locals@", "lines are those of locals"),
        ("a=locals@3+x", "lines are those of locals"),
        ("a=locals@0", "lines are those of locals"),
    ],
)
def test_what_a_rule_cannot_ask_for_is_named(wrong: str, why: str) -> None:
    with pytest.raises(RuleError, match=re.escape(why)):
        Rule.parse(wrong)


@pytest.mark.parametrize("wrong", ["", "a b", "=off", "a::b", "a:b:c", "@a:b", "a=", "a=deep", "a/b", "@"])
def test_what_is_no_rule_is_refused_with_what_would_be(wrong: str) -> None:
    with pytest.raises(RuleError, match=r"write shop\.pricing|there are off, timing"):
        Rule.parse(wrong)


def test_a_rule_may_name_lines() -> None:
    rule = Rule.parse("shop.pricing:price=locals@42+57 if route:/checkout")
    assert (rule.level, rule.lines) == (Level.LOCALS, (42, 57))
    assert str(rule) == "shop.pricing:price=locals@42+57 if route:/checkout"
    assert Rule.parse(str(rule)) == rule
    assert Rule.parse("a=lines@3").lines == (3,)
