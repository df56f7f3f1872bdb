"""What the patterns of rules match."""

from __future__ import annotations

import pytest

from scope.instrument.plan import Candidate, Level, Rule, RuleError

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


@pytest.mark.parametrize("wrong", ["", "a b", "=off", "a::b", "a:b:c", "@a:b", "a=", "a=deep", "a/b", "@"])
def test_what_is_no_rule_is_refused_with_what_would_be(wrong: str) -> None:
    with pytest.raises(RuleError, match=r"write shop\.pricing|there are off, timing"):
        Rule.parse(wrong)
