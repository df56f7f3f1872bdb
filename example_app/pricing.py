"""What a basket costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import scope

# From so many pieces of one product, so many percent off; the best first.
DISCOUNTS = ((100, 20), (10, 10))


@scope.probe
def line_total_cents(unit_cents: int, quantity: int) -> int:
    """The price of ``quantity`` pieces, rounded down to the cent."""
    percent_off = next((percent for pieces, percent in DISCOUNTS if quantity >= pieces), 0)
    return unit_cents * quantity * (100 - percent_off) // 100


@scope.probe
def basket_total_cents(prices: Mapping[int, int], quantities: Iterable[tuple[int, int]]) -> int:
    """The price of (product id, quantity) pairs; a product without a price is a KeyError."""
    return sum(line_total_cents(prices[product_id], quantity) for product_id, quantity in quantities)
