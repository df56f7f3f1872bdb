"""An application whose two routes call the same functions; it knows nothing of scope."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI

app: Final = FastAPI()


@app.get("/checkout/{number}")
async def checkout(number: int) -> int:
    return price(number)


@app.get("/browse/{number}")
def browse(number: int) -> int:
    return price(number)


def price(number: int) -> int:
    return number + tax(number)


def tax(number: int) -> int:
    return number // 5
