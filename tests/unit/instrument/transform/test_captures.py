"""What is recorded of a call besides its times, level by level."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from scope import _core
from scope.instrument.plan import Plan, Rule
from scope.model import CallValues, Instance, ObjectName, Part, Redacted
from scope.testing import captured
from tests.unit.core.inside import inside

from .twins import PLANS, twins

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.usefixtures("no_integrations"), pytest.mark.transformed]

SOURCE = """
import enum

class Color(enum.Enum):
    RED = 1

class Basket:
    def __init__(self, items):
        self.items, self._cache, self.token = items, {}, "abc"
    def __repr__(self): raise AssertionError("never asked")
    def __getattribute__(self, name):
        if name == "total": raise AssertionError("never asked")
        return object.__getattribute__(self, name)

class Slots:
    __slots__ = ("left", "_right", "unset")
    def __init__(self): self.left, self._right = 1, 2

def price(basket, /, code="X", *rest, limit=3, **more):
    total = 0
    for item in basket.items:
        total += item
    if code == "bad":
        raise ValueError("bad code")
    return total

def given(value): return value
def refused(value): return NotImplemented
def nothing(): pass
def get_token(): return "abc"
def early(flag):
    try:
        return 1
    finally:
        if flag: return 2
def swallowed():
    for _ in range(1):
        try:
            return 1
        finally:
            break
def failing():
    try:
        return 1
    finally:
        raise KeyError("later")
def counted(n):
    for i in range(n): yield i
    return "done"
async def waits(x):
    return x + 1
async def streamed(n):
    for i in range(n): yield i
def closure(a):
    def inner(): return a
    b = inner()
    del b
    c = a + 1
    return c
class Private:
    def method(self, __hidden): return __hidden
"""


def recorded(work: Callable[[Any], object], level: str = "values", plan: Plan | None = None) -> list[CallValues]:
    """The values of each call that ``work`` makes of functions of the module, in order."""
    _, module = twins(SOURCE, plan=plan or PLANS[level])
    trace = inside(lambda: work(module))
    return [span.values for _, span in trace.spans() if span.values is not None]


def call(
    work: Callable[[Any], object], level: str = "values", plan: Plan | None = None, of: str | None = None
) -> CallValues:
    """Of the last call, or of the last that has an argument ``of``."""
    found = [each for each in recorded(work, level, plan) if of is None or of in (each.arguments or {})]
    return found[-1]


def test_arguments_are_told_by_name_whatever_their_kind() -> None:
    values = call(lambda module: module.price(module.Basket([1, 2]), "Y", 5, limit=4, other="z"), of="basket")
    assert values.arguments == {
        "basket": Instance("Basket", {"items": (1, 2), "token": Redacted()}),
        "code": "Y",
        "limit": 4,
        "rest": (5,),
        "more": {"other": "z"},
    }
    assert (values.has_result, values.result) == (True, 3)


def test_private_names_of_a_class_are_what_the_compiler_makes_of_them() -> None:
    values = call(lambda module: module.Private().method(7))
    assert values.arguments is not None
    assert values.arguments["_Private__hidden"] == 7
    assert values.result == 7


@pytest.mark.parametrize(
    ("work", "result"),
    [
        (lambda module: module.nothing(), None),
        (lambda module: module.early(True), 2),
        (lambda module: module.early(False), 1),
        (lambda module: module.swallowed(), None),
        (lambda module: module.refused(1), ObjectName("NotImplementedType")),
        (lambda module: module.get_token(), Redacted()),
        (lambda module: module.waits(1), 2),
    ],
    ids=["none", "overridden", "kept", "swallowed", "not implemented", "secret", "coroutine"],
)
def test_the_result_is_what_the_call_gave(work: Callable[[Any], object], result: object) -> None:
    values = call(work)
    assert (values.has_result, values.result) == (True, result)


def test_a_call_that_fails_after_its_return_has_no_result() -> None:
    def work(module: Any) -> None:
        with pytest.raises(KeyError):
            module.failing()

    values = call(work)
    assert not values.has_result


def test_the_first_values_that_a_generator_yields_are_kept() -> None:
    values = call(lambda module: list(module.counted(20)))
    assert values.arguments == {"n": 20}
    assert values.yielded == tuple(range(8))
    assert values.result == "done"


def test_an_async_generator_tells_what_it_yields() -> None:
    async def work(module: Any) -> None:
        assert [each async for each in module.streamed(2)] == [0, 1]

    values = call(work)
    assert values.yielded == (0, 1)


def test_slots_and_members_of_enumerations_are_read_without_their_code() -> None:
    seen = recorded(lambda module: (module.given(module.Slots()), module.given(module.Color.RED)))
    assert [values.result for values in seen if values.arguments and "value" in values.arguments] == [
        Instance("Slots", {"left": 1}),
        ObjectName("Color.RED"),
    ]


def test_what_is_large_is_kept_in_part() -> None:
    values = call(lambda module: module.given(list(range(1000))))
    assert values.result == Part(tuple(range(32)), 1000)


def test_at_level_timing_nothing_is_kept() -> None:
    assert recorded(lambda module: module.given(1), "timing") == []


def test_local_variables_are_seen_at_the_end() -> None:
    (seen,) = call(lambda module: module.closure(1), "locals", of="a").locals
    assert {name: value for name, value in seen.values.items() if name != "inner"} == {"a": 1, "c": 2}
    assert (seen.line, seen.at_error) == (0, False)


def test_local_variables_are_seen_as_an_exception_leaves() -> None:
    def work(module: Any) -> None:
        with pytest.raises(ValueError, match="bad code"):
            module.price(module.Basket([4]), "bad")

    (seen,) = call(work, "locals", of="basket").locals
    assert seen.at_error
    assert seen.values["total"] == 4
    assert seen.values["item"] == 4


def test_local_variables_are_seen_at_chosen_lines() -> None:
    line = SOURCE.splitlines().index("        total += item") + 1
    plan = Plan((Rule.parse(f"twin:price=locals@{line}"),))
    seen = call(lambda module: module.price(module.Basket([4, 5])), plan=plan, of="basket").locals
    assert [each.line for each in seen] == [line, line, 0]
    assert [each.values["total"] for each in seen] == [0, 4, 9]


def test_lines_tell_how_often_they_ran() -> None:
    first = SOURCE.splitlines().index("    total = 0") + 1
    runs = call(lambda module: module.price(module.Basket([1, 2, 3])), "lines", of="basket").lines
    assert [(run.line - first, run.count) for run in runs] == [(0, 1), (1, 1), (2, 3), (3, 1), (5, 1)]
    assert all(run.duration_ns >= 0 for run in runs)


def test_outside_any_request_nothing_is_kept() -> None:
    _, module = twins(SOURCE, plan=PLANS["lines"])
    with captured() as capture:
        assert module.price(module.Basket([1])) == 1
    assert capture.traces() == []


@pytest.mark.parametrize("point", [_core.RESULT, _core.LOCALS, _core.LINE, _core.SUSPEND, _core.CATCH], ids=repr)
def test_points_are_pickled_with_code_that_is_sent_by_value(point: object) -> None:
    assert pickle.loads(pickle.dumps(point)) is point
