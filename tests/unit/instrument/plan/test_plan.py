"""What a Plan decides, and that it decides the same everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scope.config import load
from scope.instrument.plan import (
    Candidate,
    Condition,
    Decision,
    Level,
    Ownership,
    Plan,
    Rule,
    RuleError,
    make_plan,
    read_rules,
)
from scope.instrument.plan.ownership import is_generated, is_library, search_folders

OWN = Candidate("shop.pricing", "price", is_owned=True)
MINOR = Candidate("shop.pricing", "tax", is_owned=True, is_minor=True)
FOREIGN = Candidate("sqlalchemy.orm", "Query.all")


def rules(*texts: str) -> tuple[Rule, ...]:
    return tuple(map(Rule.parse, texts))


def test_the_applications_own_functions_are_probed_by_default_and_no_others() -> None:
    assert [Plan().level(each) for each in (OWN, MINOR, FOREIGN)] == [Level.TIMING, Level.OFF, Level.OFF]
    assert Plan(own_level=Level.OFF).level(OWN) is Level.OFF


def test_a_rule_counts_more_than_the_defaults() -> None:
    plan = Plan(rules("shop.pricing:tax", "sqlalchemy.*=values", "shop.pricing:price=off"))
    assert [plan.level(each) for each in (OWN, MINOR, FOREIGN)] == [Level.OFF, Level.TIMING, Level.VALUES]


def test_of_several_rules_the_last_that_matches_decides() -> None:
    assert Plan(rules("shop=off", "shop.pricing=lines")).level(OWN) is Level.LINES
    assert Plan(rules("shop.pricing=lines", "shop=off")).level(OWN) is Level.OFF


def test_a_rule_with_a_condition_decides_where_it_is_met_and_those_before_it_elsewhere() -> None:
    plan = Plan(rules("shop=off if route:/a", "shop.pricing=values if id:x", "shop=lines if route:/a", "other if id:y"))
    cases = ((Condition(route="/a"), Level.LINES), (Condition(id="x"), Level.VALUES))
    assert plan.decide(OWN) == Decision(Level.TIMING, cases)
    assert plan.decide(MINOR) == Decision(Level.OFF, cases)
    assert not plan.decide(FOREIGN)
    assert plan.conditions == {Condition(route="/a"), Condition(id="x"), Condition(id="y")}


def test_conditions_before_a_rule_without_one_count_nothing() -> None:
    assert Plan(rules("shop=values if route:/a", "shop=off")).decide(OWN) == Decision(Level.OFF)


def test_of_many_conditions_those_of_the_last_rules_count() -> None:
    decided = Plan(rules(*(f"shop if id:{each}" for each in range(9)))).decide(OWN)
    assert [condition.id for condition, _ in decided.cases] == ["8", "7", "6", "5"]


def test_a_function_is_recorded_where_a_case_says_so() -> None:
    assert Decision(Level.OFF, ((Condition(id="x"), Level.TIMING),))
    assert not Decision(Level.OFF, ((Condition(id="x"), Level.OFF),))


@pytest.mark.parametrize(
    ("module", "concerned"),
    [("shop.pricing", True), ("sqlalchemy.orm", True), ("other", False), ("scope.config", False)],
)
def test_modules_in_which_nothing_can_be_probed_are_left_alone(module: str, concerned: bool) -> None:
    plan = Plan(rules("sqlalchemy.*", "other=off", "scope"), Ownership(("/srv/app/",)))
    file = "/srv/app/shop/pricing.py" if module == "shop.pricing" else "/elsewhere/x.py"
    assert plan.concerns(module, file) is concerned


def test_own_code_is_in_the_applications_folders_and_in_none_that_is_installed() -> None:
    ownership = Ownership(("/srv/app/",), frozenset({"installed"}))
    assert ownership.owns("shop", "/srv/app/shop.py")
    assert not ownership.owns("shop", "/srv/application/shop.py")
    assert not ownership.owns("click", "/srv/app/.venv/lib/python3.11/site-packages/click/core.py")
    assert ownership.owns("installed.main", "/usr/lib/python3/dist-packages/installed/main.py")
    ours = str(Path(sys.modules["scope"].__file__ or "").with_name("errors.py"))
    assert not Ownership((str(Path(ours).parents[1]) + "/",)).owns("scope.errors", ours)


def test_the_standard_library_is_installed_and_so_is_what_pip_installs() -> None:
    assert is_library(json.__file__)
    assert is_library(pytest.__file__)
    assert not is_library(__file__)
    assert not [folder for folder in search_folders() if is_library(folder)]


def test_files_that_programs_write_are_told_by_their_names() -> None:
    assert is_generated("/srv/app/orders_pb2.py")
    assert not is_generated("/srv/app/orders.py")


def test_a_plan_has_the_same_digest_in_another_process_and_another_for_other_decisions() -> None:
    code = (
        "from scope.instrument.plan import *; "
        "print(Plan((Rule.parse('a'), Rule.parse('b=off')), Ownership(('/x/',), frozenset('pqr'))).digest)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    plan = Plan(rules("a", "b=off"), Ownership(("/x/",), frozenset("pqr")))
    assert printed == {plan.digest}
    others = [
        Plan(rules("b=off", "a"), plan.ownership),
        Plan(plan.rules, Ownership(("/y/",), frozenset("pqr"))),
        Plan(plan.rules, Ownership(("/x/",))),
        Plan(plan.rules, plan.ownership, Level.OFF),
        Plan(plan.rules),
    ]
    assert len({plan.digest, *(other.digest for other in others)}) == 6


def test_settings_make_a_plan(tmp_path: Path) -> None:
    config = load(overrides={"probes": {"rules": ["a", "b=off", "a"], "own": False}})
    plan = make_plan(config, folders=[str(tmp_path)], packages=["shop"])
    assert plan.rules == rules("b=off", "a")
    assert plan.own_level is Level.OFF
    assert plan.owns("x", str(tmp_path / "x.py"))
    assert plan.owns("shop", "/usr/lib/python3/dist-packages/shop.py")


@pytest.mark.parametrize(("profile", "level"), [("dev", Level.TIMING), ("test", Level.OFF), ("prod", Level.OFF)])
def test_own_functions_are_probed_in_development(profile: str, level: Level) -> None:
    assert make_plan(load(overrides={"profile": profile})).own_level is level


def test_a_file_has_a_rule_a_line_and_remarks(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.write_text("# what we look at\nshop.*=lines\n\n@task  # all of them\n")
    assert read_rules(str(path)) == rules("shop.*=lines", "@task")
    path.write_text("shop\nshop pricing\n")
    with pytest.raises(RuleError, match="plan, line 2: 'shop pricing' is no pattern"):
        read_rules(str(path))


def test_lines_of_all_rules_up_to_the_one_that_decides_count() -> None:
    rules = ("a=locals@9", "a=locals@5", "a=locals@3 if route:/x", "b=locals@7")
    decision = Plan(tuple(map(Rule.parse, rules))).decide(Candidate("a", "f"))
    assert decision.lines == (3, 5)
    assert decision.deepest is Level.LOCALS
