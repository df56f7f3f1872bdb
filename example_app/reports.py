"""Reports: work that runs together, work that is slow in a thread, and work that stops everyone else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import combinations
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, func, select

import scope

from .dependencies import CurrentShop
from .models import Base, Customer, Order, OrderState, Product
from .seed import ADJECTIVES, NOUNS
from .shop import Shop

router = APIRouter(prefix="/reports", tags=["reports"])


class Summary(BaseModel):
    customers: int
    paid_orders: int
    sold_out: int


class Similar(BaseModel):
    first: str
    second: str


class Stocktake(BaseModel):
    blocked_ms: int


@router.get("/summary")
async def summary(shop: CurrentShop) -> Summary:
    """Three queries side by side, each with a session of its own."""
    customers, paid_orders, sold_out = await asyncio.gather(
        count(shop, Customer),
        count(shop, Order, Order.state == OrderState.PAID),
        count(shop, Product, Product.stock == 0),
    )
    return Summary(customers=customers, paid_orders=paid_orders, sold_out=sold_out)


async def count(shop: Shop, table: type[Base], *conditions: ColumnElement[bool]) -> int:
    async with scope.span("count", table=table.__tablename__), shop.sessions() as session:
        return (await session.scalars(select(func.count()).select_from(table).where(*conditions))).one()


@router.get("/similar")
def similar_names(limit: Annotated[int, Query(ge=2, le=200)] = 60) -> list[Similar]:
    """Compares every pair of names: some 50 ms of CPU. As a plain ``def`` it runs in the thread pool."""
    names = [f"{adjective} {noun}" for adjective in ADJECTIVES for noun in NOUNS][:limit]
    return [Similar(first=first, second=second) for first, second in similar_pairs(names)]


@scope.probe
def similar_pairs(names: Sequence[str], threshold: float = 0.8) -> list[tuple[str, str]]:
    """The pairs of names that are alike by at least ``threshold`` of 1."""
    pairs = combinations(names, 2)
    return [(first, second) for first, second in pairs if SequenceMatcher(None, first, second).ratio() >= threshold]


@router.get("/stocktake")
async def stocktake(ms: Annotated[int, Query(ge=0, le=2000)] = 100) -> Stocktake:
    """Deliberately wrong: blocking work in an ``async def``. Every other request of this worker waits meanwhile."""
    scope.annotate(blocked_ms=ms)
    read_scales(ms)
    return Stocktake(blocked_ms=ms)


@scope.probe
def read_scales(ms: int) -> None:
    """Talks to a device for ``ms`` milliseconds without letting go of its thread."""
    time.sleep(ms / 1000)
