"""A probed function looks and binds as the function does."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import inspect
import pickle
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from scope import probe
from scope._core import Probe
from tests.unit.core.probed import acount, add, count, later

from .inside import inside, outline

pytestmark = pytest.mark.usefixtures("no_integrations")


class Shop:
    """All kinds of methods, decorated from both sides."""

    prices: dict[str, int] = {"tea": 3}  # noqa: RUF012 - never changed

    def __init__(self, tax: int) -> None:
        self.tax = tax

    @probe
    def price(self, item: str) -> int:
        """What it costs."""
        return self.prices[item] + self.tax

    @probe
    async def order(self, item: str) -> int:
        return self.price(item)

    @probe
    @staticmethod
    def above(value: int) -> int:
        return value + 1

    @staticmethod
    @probe
    def below(value: int) -> int:
        return value - 1

    @probe
    @classmethod
    def cheapest(cls) -> int:
        return min(cls.prices.values())

    @classmethod
    @probe
    def dearest(cls) -> int:
        return max(cls.prices.values())

    @property
    @probe
    def doubled(self) -> int:
        return 2 * self.tax


ANY: list[Callable[..., Any]] = [add, later, count, acount, Shop.price, Shop.order, Shop.above, Shop.below]


# --- what it looks like ----------------------------------------------------------------------------------------------


def test_each_kind_of_function_stays_of_its_kind() -> None:
    kinds = [
        [inspect.iscoroutinefunction(each), inspect.isgeneratorfunction(each), inspect.isasyncgenfunction(each)]
        for each in (add, later, count, acount)
    ]
    assert kinds == [[False] * 3, [True, False, False], [False, True, False], [False, False, True]]
    assert all(callable(each) for each in ANY)


def test_signature_name_doc_module_and_annotations_are_the_functions() -> None:
    assert str(inspect.signature(add)) == "(left: 'int', right: 'int' = 2, *more: 'int', scale: 'int' = 1) -> 'int'"
    assert str(inspect.signature(Shop(1).price)) == "(item: 'str') -> 'int'"
    assert (add.__name__, add.__qualname__, add.__doc__) == ("add", "add", "Sums up.")
    assert (later.__doc__, count.__doc__, acount.__doc__) == ("Comes later.", "Counts.", "Counts, asynchronously.")
    assert Shop.price.__qualname__ == "Shop.price"
    assert (add.__module__, Shop.price.__module__) == ("tests.unit.core.probed", __name__)
    for each in ANY:
        assert each.__module__ == inspect.unwrap(each).__module__
        assert each.__annotations__["return"]
        assert hasattr(each, "__wrapped__")


def test_attributes_of_the_function_are_seen_and_can_be_set() -> None:
    def plain() -> None:
        """Nothing."""

    plain.mark = "set before"  # type: ignore[attr-defined]
    probed: Any = probe(plain)
    assert probed.mark == "set before"
    probed.other = "set after"
    assert probed.other == "set after"
    assert probed.__dict__["other"] == "set after"
    assert probed.__code__ is plain.__code__
    assert probed.__wrapped__ is plain
    assert probed.__defaults__ is None
    with pytest.raises(AttributeError, match="nowhere"):
        _ = probed.nowhere


def test_repr_names_the_function() -> None:
    assert repr(add).startswith("<probed <function add at ")


def test_a_probe_can_be_referred_to_weakly_and_is_collected() -> None:
    def plain() -> None:
        """Nothing."""

    probed: Any = probe(plain)
    probed.self = probed  # a cycle
    gone = weakref.ref(probed)
    assert gone() is probed
    del probed, plain
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("function", [add, later, count, acount, Shop.price], ids=lambda each: each.__qualname__)
def test_a_module_level_probe_is_pickled_and_copied_by_name(function: Callable[..., object]) -> None:
    assert pickle.loads(pickle.dumps(function)) is function
    assert copy.copy(function) is function
    assert copy.deepcopy(function) is function


def test_a_probe_is_hashable_and_equal_to_itself_only() -> None:
    assert {add: 1}[add] == 1
    assert add != probe(inspect.unwrap(add))


def test_a_probe_works_in_partial_wraps_and_single_dispatch() -> None:
    @functools.singledispatch
    @probe
    def kind(value: object) -> str:
        return "object"

    @kind.register
    @probe
    def _(value: int) -> str:
        return "int"

    @functools.wraps(add)
    def wrapped(*args: int) -> int:
        return add(*args)

    assert functools.partial(add, 1)(1) == 2
    assert functools.lru_cache(add)(1, 1) == 2
    assert (kind(1), kind("")) == ("int", "object")
    assert wrapped.__doc__ == add.__doc__


# --- descriptors -----------------------------------------------------------------------------------------------------


def test_methods_of_all_kinds_bind() -> None:
    shop = Shop(1)
    assert (shop.price("tea"), Shop.price(shop, "tea")) == (4, 4)
    assert asyncio.run(shop.order("tea")) == 4
    assert (shop.above(1), Shop.above(1), shop.below(1), Shop.below(1)) == (2, 2, 0, 0)
    assert (shop.cheapest(), Shop.cheapest(), shop.dearest(), Shop.dearest()) == (3, 3, 3, 3)
    assert shop.doubled == 2
    bound = shop.price
    assert isinstance(bound, types.MethodType)
    assert bound.__self__ is shop
    assert bound("tea") == 4
    assert inspect.ismethod(bound)
    assert isinstance(vars(Shop)["above"], staticmethod)
    assert isinstance(vars(Shop)["cheapest"], classmethod)


def test_a_subclass_overrides_and_calls_super() -> None:
    class Tax(Shop):
        @probe
        def price(self, item: str) -> int:
            return super().price(item) * 10

    trace = inside(lambda: Tax(1).price("tea"))
    assert [span.name.rpartition("<locals>.")[2] for _, span in trace.spans()][1:] == ["Tax.price", "Shop.price"]


def test_getting_it_without_an_instance_gives_itself() -> None:
    descriptor: Any = Shop.price
    assert descriptor.__get__(None, Shop) is descriptor


def test_a_callable_object_and_a_builtin_can_be_probed() -> None:
    class Call:
        def __call__(self, value: int) -> int:
            return value

    assert probe(Call())(3) == 3
    assert probe(len)([1]) == 1
    assert probe(functools.partial(add, 1))(1) == 2
    bound = probe(Shop(1).price)
    assert bound("tea") == 4
    assert outline(inside(lambda: (probe(Call())(3), probe(len)([])))) == ["Call", "len"]


@pytest.mark.parametrize("wrong", [3, "text", None, Shop, int])
def test_what_is_no_function_is_refused_by_name(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"probe\(\) takes a function or method, not "):
        probe(wrong)


def test_the_native_type_checks_what_it_is_given() -> None:
    native: Any = Probe
    with pytest.raises(TypeError, match="takes a callable, not int"):
        native(3, 0)
    for wrong in ((), (len,), (len, "x"), (len, 0, 0)):
        with pytest.raises(TypeError):
            native(*wrong)
    with pytest.raises(TypeError):
        native(len, site=0)
