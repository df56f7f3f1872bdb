"""Changes of attributes are told, and nothing else about objects and their classes changes."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import scope
from scope.model import Redacted
from scope.testing import captured

if TYPE_CHECKING:
    from collections.abc import Callable


class Order:
    status = "new"

    def __init__(self) -> None:
        self.lines: list[str] = []


@dataclass(slots=True)
class Account:
    owner: str
    password: str


def told(work: Callable[[], object]) -> list[tuple[str, dict[str, Any]]]:
    """The marks that ``work`` leaves in a request."""
    with captured() as capture, scope.span("work"):
        work()
    (trace,) = capture.traces()
    return [(mark.name, dict(mark.attributes)) for _, span in trace.spans() for mark in span.marks]


def test_a_change_is_a_mark_with_the_old_and_the_new_value() -> None:
    order = Order()

    def work() -> None:
        order.status = "paid"
        order.status = "sent"

    with scope.watch(order, "status"):
        assert told(work) == [
            ("Order.status", {"status": "paid", "scope.before": {"status": "new"}}),
            ("Order.status", {"status": "sent", "scope.before": {"status": "paid"}}),
        ]
    assert order.status == "sent"


def test_only_the_object_and_the_names_that_were_asked_for_are_told_of() -> None:
    order, other = Order(), Order()

    def work() -> None:
        other.status = "paid"
        order.lines = []
        order.status = "paid"

    with scope.watch(order, "status"):
        assert [name for name, _ in told(work)] == ["Order.status"]
    assert other.status == "paid"


def test_of_a_class_all_instances_and_attributes_are_told_of() -> None:
    class Express(Order):
        pass

    def work() -> None:
        Express().status = "paid"

    with scope.watch(Order):
        assert told(work) == [
            ("Express.lines", {"lines": ()}),
            ("Express.status", {"status": "paid", "scope.before": {"status": "new"}}),
        ]


def test_a_deletion_is_a_change() -> None:
    order = Order()
    order.status = "paid"

    def work() -> None:
        del order.status

    with scope.watch(order):
        assert told(work) == [("Order.status", {"scope.deleted": "status", "scope.before": {"status": "paid"}})]
    assert order.status == "new"


def test_secrets_are_withheld_by_name_before_and_after() -> None:
    account = Account("ann", "one")

    def work() -> None:
        account.password = "two"

    with scope.watch(account):  # which has slots, and no place for a weak reference
        ((name, attributes),) = told(work)
    assert name == "Account.password"
    assert isinstance(attributes["password"], Redacted)
    assert isinstance(attributes["scope.before"]["password"], Redacted)


def test_what_is_put_in_its_own_place_and_what_happens_outside_requests_is_not_told() -> None:
    order = Order()
    order.status = "paid"

    def work() -> None:
        order.status = "paid"

    with scope.watch(order):
        assert told(work) == []
        with captured() as capture:
            order.status = "sent"
        assert capture.traces() == []


def test_a_slot_that_was_empty_has_no_value_before() -> None:
    account = Account.__new__(Account)

    def work() -> None:
        account.owner = "ann"

    with scope.watch(account):
        assert told(work) == [("Account.owner", {"owner": "ann"})]


def test_a_property_is_set_and_not_read() -> None:
    class Basket:
        @property
        def total(self) -> int:
            raise AssertionError("was read")

        @total.setter
        def total(self, value: int) -> None:
            self.cents = value * 100

    basket = Basket()

    def work() -> None:
        basket.total = 3

    with scope.watch(basket):
        assert told(work) == [("Basket.cents", {"cents": 300}), ("Basket.total", {"total": 3})]


def test_a_class_has_its_own_methods_again() -> None:
    class Strict:
        def __setattr__(self, name: str, value: object) -> None:
            if value is None:
                raise ValueError(name)
            super().__setattr__(name, value)

    own = Strict.__setattr__
    strict: Any = Strict()
    watch = scope.watch(strict)

    def work() -> None:
        with pytest.raises(ValueError, match="wanted"):
            strict.wanted = None
        strict.wanted = 1

    assert told(work) == [("Strict.wanted", {"wanted": 1})]
    watch.stop()
    watch.stop()
    assert Strict.__setattr__ is own
    assert "__delattr__" not in vars(Strict)


def test_watches_of_one_class_end_in_any_order() -> None:
    order = Order()

    def work() -> None:
        order.status = order.status + "!"

    first = scope.watch(order)
    second = scope.watch(order)
    assert len(told(work)) == 2
    first.stop()
    assert len(told(work)) == 1
    second.stop()
    assert told(work) == []
    assert "__setattr__" not in vars(Order)


def test_it_ends_with_the_object() -> None:
    order = Order()
    scope.watch(order)
    assert "__setattr__" in vars(Order)
    del order
    gc.collect()
    assert "__setattr__" not in vars(Order)


def test_a_class_that_cannot_be_changed_is_named() -> None:
    with pytest.raises(TypeError, match="attributes of list"):
        scope.watch([])
