"""A proposed plan as rules: a Plan of them decides as was proposed, and they are few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from scope.instrument.analyse import Proposed, plan_rules
from scope.instrument.plan import Candidate, Level, Plan

from .kit import analysed, function_named

if TYPE_CHECKING:
    from pathlib import Path

PARTS = st.sampled_from(["a", "b", "c"])


def proposed(module: str, qualname: str, *, timed: bool) -> Proposed:
    return Proposed(function_named(module, qualname), "timing" if timed else "off", 1)


def decides(plan: list[Proposed], rules: Plan) -> bool:
    """Whether ``rules`` give every function what was proposed, whatever the default of a profile."""
    return all(rules.level(Candidate(each.function.module, each.function.qualname)).word == each.level for each in plan)


@given(
    st.dictionaries(
        st.tuples(st.lists(PARTS, min_size=1, max_size=3), st.lists(PARTS, min_size=1, max_size=2)).map(
            lambda parts: (".".join(parts[0]), ".".join(parts[1]))
        ),
        st.booleans(),
        max_size=12,
    )
)
@example({("a", "a.a"): False, ("a.a.a", "a"): False, ("a", "a"): True, ("a.a", "a"): False})
def test_a_plan_of_the_rules_decides_as_was_proposed(levels: dict[tuple[str, str], bool]) -> None:
    """Also where functions, classes and modules have the same names."""
    plan = [proposed(module, name, timed=timed) for (module, name), timed in levels.items()]
    made = plan_rules(plan)
    rules = tuple(each.rule for each in made)
    assert decides(plan, Plan(rules, own_level=Level.OFF))
    assert sorted(map(id, plan)) == sorted(id(each) for rule in made for each in rule.decides)
    assert len(rules) <= len(plan)


def test_one_rule_is_enough_for_all_of_a_package() -> None:
    plan = [proposed(f"shop.{module}", name, timed=True) for module in ("a", "b") for name in ("f", "g", "C.m")]
    [only] = plan_rules(plan)
    assert str(only.rule) == "shop=timing"
    assert list(only.decides) == plan


def test_exceptions_come_after_what_they_are_exceptions_of() -> None:
    plan = [
        *(proposed("shop.prices", name, timed=True) for name in ("f", "g", "Money.total")),
        *(proposed("shop.prices", f"Money.{name}", timed=False) for name in ("a", "b")),
        proposed("shop.stock", "outer", timed=True),
        proposed("shop.stock", "outer.inner", timed=False),
    ]
    assert [str(each.rule) for each in plan_rules(plan)] == [
        "shop=timing",
        "shop.prices:Money.a=off",
        "shop.prices:Money.b=off",
        "shop.stock:outer.inner=off",
    ]


def test_a_function_called_like_a_module_beside_it_keeps_its_level() -> None:
    plan = [proposed("shop", "prices", timed=False), proposed("shop.prices", "f", timed=True)]
    assert decides(plan, Plan(tuple(each.rule for each in plan_rules(plan)), own_level=Level.OFF))


def test_a_module_that_no_rule_can_name_has_none() -> None:
    assert plan_rules([proposed("my-script", "main", timed=True)]) == []


def test_the_rules_of_an_analysis_decide_as_its_plan(tmp_path: Path) -> None:
    source = """
        from fastapi import FastAPI
        app = FastAPI()
        class Money:
            def __init__(self, cents):
                self.cents = int(cents)
            def total(self):
                return self.cents
        def often(x):
            return str(x)
        @app.get("/")
        async def front():
            money = Money(3)
            money.total()
            for a in "abc":
                for b in a:
                    for c in b:
                        often(c)
    """
    analysis = analysed(tmp_path, shop__main=source)
    rules = tuple(each.rule for each in plan_rules(analysis.plan))
    assert {each.level for each in analysis.plan} == {"timing", "off"}
    assert decides(list(analysis.plan), Plan(rules, own_level=Level.OFF))
