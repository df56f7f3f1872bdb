"""What a shop does for a basket of forty products: 200 calls of small functions, which use what Python has built in."""

from __future__ import annotations

from dataclasses import dataclass

PRODUCTS = 40
PRICES = {f"product-{number}": 100 + number * 7 for number in range(PRODUCTS)}
DISCOUNTS = {f"product-{number}": number % 4 * 5 for number in range(PRODUCTS)}


@dataclass(frozen=True, slots=True)
class Line:
    """So many of a product."""

    product: str
    quantity: int


LINES = [Line(f"product-{number}", number % 3 + 1) for number in range(PRODUCTS - 1)]


def price_of(line: Line) -> int:
    return PRICES.get(line.product, 0) * line.quantity


def discount_of(line: Line, price: int) -> int:
    return min(price, round(price * DISCOUNTS.get(line.product, 0) / 100))


def tax_of(price: int) -> int:
    return max(0, round(price * 0.19))


def label_of(line: Line) -> str:
    return " x ".join((str(line.quantity), line.product.title()))


def row_of(line: Line) -> dict[str, object]:
    """One call of this one, and of the four above."""
    price = price_of(line)
    net = price - discount_of(line, price)
    return {"label": label_of(line), "net": net, "tax": tax_of(net)}


def rows() -> list[dict[str, object]]:
    return [row_of(line) for line in LINES]


def total_of(priced: list[dict[str, object]]) -> int:
    return sum(int(str(row["net"])) + int(str(row["tax"])) for row in priced)


def currency() -> str:
    return "EUR".upper()


def note_of(total: int) -> str:
    return "free delivery" if total > 5000 else "delivery 4.90"


def answer() -> dict[str, object]:
    """The basket, priced: 200 calls, with this one's."""
    priced = rows()
    total = total_of(priced)
    return {"rows": priced, "total": total, "currency": currency(), "note": note_of(total)}
