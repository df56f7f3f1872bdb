"""An application that nobody prepared, whose requests call 100,000 functions each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

SHELVES = 90
BOXES = 100
ITEMS = 10
CALLS = SHELVES * (1 + BOXES * (1 + ITEMS))


def price(amount: int) -> int:
    """The leaf: called 90,000 times."""
    total = amount * 119
    total += amount % 7
    total -= total % 5
    return total // 100


def box(number: int) -> int:
    """Called 9,000 times."""
    total = 0
    for item in range(ITEMS):
        total += price(number + item)
    return total


def shelf(number: int) -> int:
    """Called 90 times."""
    total = 0
    for each in range(BOXES):
        total += box(number + each)
    return total


async def stock(_: Request) -> PlainTextResponse:
    return PlainTextResponse(str(sum(shelf(number) for number in range(SHELVES))))


app = Starlette(routes=[Route("/stock", stock), Route("/untraced/stock", stock)])
