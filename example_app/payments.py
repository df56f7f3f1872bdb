"""The payments service: an application of its own, on a port of its own, traced like the shop.

``uvicorn example_app.payments:app --port 9001``. How a card ends decides what becomes of the charge: 0002 is declined,
0119 makes the service fail, 0259 takes the bank 400 ms and 0341 longer than the shop waits; any other card just pays.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

import scope

ANSWERS_S = {"0259": 0.4, "0341": 5.0}
USUAL_ANSWER_S = 0.005
HIGH_RISK_CENTS = 1_000_000

app = FastAPI(title="Payments")
app.add_middleware(scope.ScopeMiddleware)


class ChargeRequest(BaseModel):
    order_id: Annotated[int, Field(ge=1)]
    amount_cents: Annotated[int, Field(ge=0)]
    card: Annotated[str, Field(pattern=r"^[0-9]{12,19}$")]


class Charge(BaseModel):
    charge_id: str
    amount_cents: int


@app.post("/charges", status_code=201)
async def charge(order: ChargeRequest) -> Charge:
    scope.annotate(order_id=order.order_id)
    if risk_percent(order.amount_cents) >= 100:
        raise HTTPException(402, "The amount is too high")
    async with scope.span("ask the bank", amount_cents=order.amount_cents):
        await ask_bank(order.card)
    # The id follows from the order, so charging an order again gives the same charge.
    digest = hashlib.sha256(f"charge of order {order.order_id}".encode()).hexdigest()
    return Charge(charge_id=digest[:24], amount_cents=order.amount_cents)


@scope.probe
def risk_percent(amount_cents: int) -> int:
    return min(100, amount_cents * 100 // HIGH_RISK_CENTS)


@scope.probe
async def ask_bank(card: str) -> None:
    """Wait for the bank's word.

    Raises:
        HTTPException: 402, the bank declined.
        ConnectionError: The bank hung up; nobody catches it, so the service answers 500.
    """
    ending = card[-4:]
    if ending == "0002":
        raise HTTPException(402, "The bank declined the card")
    if ending == "0119":
        raise ConnectionError("The bank hung up")
    await asyncio.sleep(ANSWERS_S.get(ending, USUAL_ANSWER_S))
