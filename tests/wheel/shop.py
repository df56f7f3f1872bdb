"""The application that the wheel's check traces."""

from __future__ import annotations

from fastapi import FastAPI

from scope import ScopeMiddleware, probe

app = FastAPI()
app.add_middleware(ScopeMiddleware)


@probe
def price(number: int) -> int:
    return number * 2


@app.get("/items/{number}")
async def item(number: int) -> dict[str, int]:
    return {"price": price(number)}
