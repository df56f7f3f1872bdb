"""A span is called what people call the thing."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from scope.integrations._naming import factory_of, name_of


class Shop:
    class Counter:
        def __call__(self) -> None: ...

    def order(self) -> None: ...

    @classmethod
    def open(cls) -> None: ...


def local() -> Any:
    def within() -> None: ...

    return within


class Odd:
    """Its instances have a name of their own that is no text."""

    def __getattr__(self, name: str) -> int:
        return 7

    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (local, "local"),
        (local(), "within"),
        (Shop.order, "Shop.order"),
        pytest.param(Shop().order, "Shop.order", id="bound method"),
        (Shop.open, "Shop.open"),
        (Shop, "Shop"),
        (Shop.Counter(), "Shop.Counter"),
        (partial(partial(local)), "local"),
        (len, "len"),
        (Odd(), "Odd"),
    ],
)
def test_names(target: Any, name: str) -> None:
    assert name_of(target) == name


def test_what_a_function_made_is_called_as_its_maker() -> None:
    def maker() -> Any:
        return lambda: None

    assert (factory_of(local()), factory_of(maker()), factory_of(local), factory_of(Shop())) == (
        "local",
        "maker",
        "local",
        "Shop",
    )
