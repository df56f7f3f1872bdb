"""Checkout: reserve the goods, charge the card at the payments service, confirm or give the goods back.

The database is never held while the payments service is awaited: SQLite has one writer at a time, and a slow card must
not stop the other customers.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

import scope

from .dependencies import CurrentCustomer, CurrentShop, Database
from .errors import OutOfStock, ShopError
from .mail import send_letter
from .models import Order, OrderLine, OrderState, Product
from .pricing import basket_total_cents
from .shop import Shop

router = APIRouter(prefix="/checkout", tags=["checkout"])


class BasketLine(BaseModel):
    product_id: Annotated[int, Field(ge=1)]
    quantity: Annotated[int, Field(ge=1, le=1000)] = 1


class Basket(BaseModel):
    lines: Annotated[list[BasketLine], Field(min_length=1, max_length=50)]
    card: Annotated[str, Field(pattern=r"^[0-9]{12,19}$")]

    def quantities(self) -> dict[int, int]:
        """Pieces by product id; lines of the same product are added up."""
        pieces: dict[int, int] = {}
        for line in self.lines:
            pieces[line.product_id] = pieces.get(line.product_id, 0) + line.quantity
        return pieces


class Receipt(BaseModel):
    order_id: int
    total_cents: int
    charge_id: str


@router.post("", status_code=201)
async def check_out(
    basket: Basket, customer: CurrentCustomer, shop: CurrentShop, session: Database, jobs: BackgroundTasks
) -> Receipt:
    quantities = basket.quantities()
    total_cents = price_basket(shop, quantities)
    order = await reserve(session, customer.id, quantities, total_cents)
    scope.annotate(order_id=order.id, total_cents=total_cents)
    try:
        charge_id = await shop.payments.charge(order.id, total_cents, basket.card)
    except ShopError:
        await give_back(session, order, quantities)
        raise
    await confirm(session, order, charge_id)
    shop.orders.publish(f"order {order.id}: {len(quantities)} products")
    jobs.add_task(send_letter, shop, customer.email, f"Your order {order.id}")
    return Receipt(order_id=order.id, total_cents=total_cents, charge_id=charge_id)


def price_basket(shop: Shop, quantities: dict[int, int]) -> int:
    with scope.span("price basket", items=len(quantities)):
        try:
            return basket_total_cents(shop.prices, quantities.items())
        except KeyError as error:
            raise HTTPException(404, f"No product {error.args[0]}") from error


@scope.probe
async def reserve(session: AsyncSession, customer_id: int, quantities: dict[int, int], total_cents: int) -> Order:
    """Take the goods out of stock and open an order.

    Raises:
        OutOfStock: A product has too few pieces; nothing was taken.
    """
    for product_id, quantity in quantities.items():
        # The check and the change are one statement: two customers cannot both get the last piece.
        taken = await session.execute(
            update(Product)
            .where(Product.id == product_id, Product.stock >= quantity)
            .values(stock=Product.stock - quantity)
            .returning(Product.id)
        )
        if taken.one_or_none() is None:
            raise OutOfStock(f"Too few pieces of product {product_id}")
    order = Order(customer_id=customer_id, total_cents=total_cents)
    order.lines = [OrderLine(product_id=product_id, quantity=quantity) for product_id, quantity in quantities.items()]
    session.add(order)
    await session.commit()
    return order


@scope.probe
async def give_back(session: AsyncSession, order: Order, quantities: dict[int, int]) -> None:
    """Undo :func:`reserve`."""
    for product_id, quantity in quantities.items():
        restock = update(Product).where(Product.id == product_id).values(stock=Product.stock + quantity)
        await session.execute(restock)
    order.state = OrderState.CANCELLED
    await session.commit()


@scope.probe
async def confirm(session: AsyncSession, order: Order, charge_id: str) -> None:
    order.state = OrderState.PAID
    order.charge_id = charge_id
    await session.commit()
