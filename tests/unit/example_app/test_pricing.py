from __future__ import annotations

import pytest

from example_app.pricing import basket_total_cents, line_total_cents


@pytest.mark.parametrize(("quantity", "total"), [(1, 999), (9, 8991), (10, 8991), (99, 89010), (100, 79920)])
def test_more_pieces_cost_less_each(quantity: int, total: int) -> None:
    assert line_total_cents(999, quantity) == total


def test_a_basket_is_the_sum_of_its_lines() -> None:
    assert basket_total_cents({1: 100, 2: 250}, [(1, 3), (2, 10)]) == 300 + 2250


def test_a_product_without_a_price_is_an_error() -> None:
    with pytest.raises(KeyError):
        basket_total_cents({}, [(1, 1)])
