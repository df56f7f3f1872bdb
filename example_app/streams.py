"""Answers that arrive piece by piece: a CSV export and server-sent events."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import select

import scope

from .dependencies import CurrentShop
from .models import Product
from .shop import Shop

BATCH_ROWS = 50

router = APIRouter(tags=["streams"])


@router.get("/exports/products.csv")
async def export_products(shop: CurrentShop) -> StreamingResponse:
    headers = {"Content-Disposition": 'attachment; filename="products.csv"'}
    return StreamingResponse(product_rows(shop), media_type="text/csv", headers=headers)


@scope.probe
async def product_rows(shop: Shop) -> AsyncIterator[str]:
    """The products as CSV, a batch of rows at a time, so memory does not grow with the shop.

    The session is the generator's own: one from a dependency could be closed before the last row is sent.
    """
    yield csv_text([("id", "name", "category", "price_cents")])
    columns = (Product.id, Product.name, Product.category, Product.price_cents)
    async with shop.sessions() as session:
        result = await session.stream(select(*columns).order_by(Product.id))
        async for batch in result.partitions(BATCH_ROWS):
            yield csv_text(batch)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


@router.get("/events/orders")
async def order_events(
    shop: CurrentShop,
    limit: Annotated[int, Query(ge=1, le=100_000)] = 100_000,
    tick_ms: Annotated[int, Query(ge=10, le=60_000)] = 1000,
) -> StreamingResponse:
    """Server-sent events: every order placed at this worker, and a tick while there is none; ends after ``limit``."""
    events = order_stream(shop, limit, tick_ms / 1000)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def order_stream(shop: Shop, limit: int, tick_s: float) -> AsyncIterator[str]:
    with shop.orders.listen() as inbox:
        for number in range(1, limit + 1):
            try:
                event, data = "order", await asyncio.wait_for(inbox.get(), tick_s)
            except TimeoutError:
                event, data = "tick", ""
            yield f"id: {number}\nevent: {event}\ndata: {json.dumps(data)}\n\n"
