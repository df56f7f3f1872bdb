"""Functions of modules that are imported already are recorded by an exchange of their code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scope.instrument.plan import Plan, Rule
from scope.instrument.transform import in_place
from tests.unit.core.inside import inside, outline
from tests.unit.instrument.early import imported

pytestmark = [pytest.mark.usefixtures("no_integrations"), pytest.mark.transformed]

SOURCE = """
import functools

def work(x):
    return [x]

def makes(step):
    def inner(x):
        return [x + step]
    return inner
early = makes(1)

def wrapping(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper

@wrapping
def wrapped(x):
    return [x]

class Shop:
    def method(self): return [super().__repr__()]
    @staticmethod
    def still(): return [1]
    @classmethod
    def made(cls): return [cls]
    @property
    def shown(self): return [self.method()]

part = functools.partial(work, 3)

def running():
    yield [1]
    yield [2]
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Any]:
    """A module that was imported without us."""
    with imported(tmp_path, SOURCE) as module:
        yield module


def exchanged(module: ModuleType, rule: str = "early_module") -> tuple[in_place.Exchange, in_place.Outcome]:
    exchange = in_place.prepare(Plan((Rule.parse(rule),)), module)
    assert exchange is not None
    return exchange, in_place.apply([(module, exchange)])


def test_live_functions_are_recorded_wherever_they_are(module: Any) -> None:
    _, outcome = exchanged(module)
    assert outcome.refused == ()
    shop = module.Shop()

    def work() -> None:
        module.part()
        module.early(1)
        module.wrapped(1)
        assert shop.shown
        module.Shop.still()
        shop.made()

    assert outline(inside(work)) == ["work", "inner", "wrapper", "  wrapped", "shown", "  method", "still", "made"]


def test_functions_are_the_same_objects_and_those_made_later_are_recorded_too(module: Any) -> None:
    before = [module.work, module.early, vars(module.Shop)["method"]]
    exchanged(module)
    assert [module.work, module.early, vars(module.Shop)["method"]] == before
    assert outline(inside(lambda: module.makes(2)(1))) == ["makes", "inner"]


def test_an_exchange_is_undone_also_in_functions_made_meanwhile(module: Any) -> None:
    before = module.work.__code__
    exchange, outcome = exchanged(module)
    late = module.makes(5)
    assert module.work.__code__ is not before
    assert in_place.undo([exchange]) == outcome.exchanged + 1
    assert module.work.__code__ == before
    assert outline(inside(lambda: (module.work(1), late(1), module.early(1)))) == []
    assert in_place.undo([exchange]) == 0


def test_only_what_the_plan_wants_is_exchanged(module: Any) -> None:
    _, outcome = exchanged(module, "early_module:makes.inner")
    assert outcome.exchanged == 2  # and the function around it, for those to come
    assert outline(inside(lambda: (module.work(1), module.early(1), module.makes(1)(1)))) == ["inner", "inner"]
    assert in_place.prepare(Plan((Rule.parse("early_module:nothing"),)), module) is None


def test_calls_under_way_end_with_the_code_they_began_with(module: Any) -> None:
    generator = module.running()
    assert next(generator) == [1]
    exchanged(module)
    assert next(generator) == [2]
    assert outline(inside(lambda: list(module.running()))) == ["running"]


def test_functions_whose_source_has_changed_are_refused(module: Any) -> None:
    path = Path(module.__file__)
    path.write_text(SOURCE.replace("return [x]\n\ndef makes", "return [x, 2]\n\ndef makes"))
    _, outcome = exchanged(module)
    assert outcome.refused == ("early_module.work: its source has changed since it was imported",)
    assert outcome.exchanged > 5
    assert module.work(1) == [1]


def test_a_second_exchange_finds_nothing_to_do(module: Any) -> None:
    exchange, _ = exchanged(module)
    assert in_place.apply([(module, exchange)]) == in_place.Outcome(0)
