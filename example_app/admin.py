"""The admin pages: an application of its own, mounted into the shop, behind a key."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import selectinload

import scope

from .dependencies import CurrentShop, Database
from .models import Order, OrderState, Product

key_header = APIKeyHeader(name="X-Admin-Key", auto_error=False)


async def admin_only(shop: CurrentShop, key: Annotated[str | None, Security(key_header)]) -> None:
    expected = shop.settings.admin_key
    if not expected or key is None or not hmac.compare_digest(key.encode(), expected.encode()):
        raise HTTPException(403, "For staff only")
    scope.annotate(staff=True)


stock = APIRouter(prefix="/stock", tags=["stock"])
orders = APIRouter(prefix="/orders", tags=["orders"])


class StockLevel(BaseModel):
    pieces: Annotated[int, Field(ge=0, le=1_000_000)]


class OrderCard(BaseModel):
    id: int
    state: OrderState
    total_cents: int
    quantities: dict[int, int]


@stock.put("/{product_id}")
async def set_stock(product_id: int, level: StockLevel, session: Database) -> StockLevel:
    product = await session.get(Product, product_id)
    if product is None:
        raise HTTPException(404, "No such product")
    product.stock = level.pieces
    await session.commit()
    return level


@orders.get("")
async def list_orders(session: Database) -> list[OrderCard]:
    """The last twenty orders, newest first."""
    query = select(Order).options(selectinload(Order.lines)).order_by(Order.id.desc()).limit(20)
    return [_card(order) for order in await session.scalars(query)]


@orders.get("/{order_id}")
async def show_order(order_id: int, session: Database) -> OrderCard:
    order = await session.get(Order, order_id, options=[selectinload(Order.lines)])
    if order is None:
        raise HTTPException(404, "No such order")
    return _card(order)


def _card(order: Order) -> OrderCard:
    quantities = {line.product_id: line.quantity for line in order.lines}
    return OrderCard(id=order.id, state=order.state, total_cents=order.total_cents, quantities=quantities)


def create_admin() -> FastAPI:
    admin = FastAPI(title="Shop admin", dependencies=[Depends(admin_only)])
    admin.include_router(stock)
    admin.include_router(orders)
    return admin
