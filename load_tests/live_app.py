"""The application of :mod:`.live_probe`: two routes that call the same function; it knows nothing of scope."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI

app: Final = FastAPI()


@app.get("/checkout/{number}")
async def checkout(number: int) -> int:
    return price(number)


@app.get("/browse/{number}")
async def browse(number: int) -> int:
    return price(number)


def price(number: int) -> int:
    return number + number // 5
