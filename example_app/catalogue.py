"""The products: list, product page, price."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

import scope

from .dependencies import CurrentShop, Database
from .models import Customer, Product, Review
from .pricing import line_total_cents

PAGE_SIZE = 20

ProductId = Annotated[int, Path(ge=1)]

router = APIRouter(prefix="/products", tags=["catalogue"])


class ProductCard(BaseModel):
    id: int
    name: str
    category: str
    price_cents: int


class ReviewCard(BaseModel):
    author: str
    stars: int
    text: str


class ProductPage(ProductCard):
    in_stock: bool
    reviews: list[ReviewCard]


class Price(BaseModel):
    product_id: int
    quantity: int
    total_cents: int


@router.get("")
async def list_products(
    session: Database, category: str | None = None, page: Annotated[int, Query(ge=1, le=1000)] = 1
) -> list[ProductCard]:
    query = select(Product).order_by(Product.id).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    if category is not None:
        query = query.where(Product.category == category)
    products = (await session.scalars(query)).all()
    scope.annotate(products=len(products))
    return [_card(product) for product in products]


@router.get("/{product_id}")
async def show_product(product_id: ProductId, session: Database) -> ProductPage:
    product = await session.get(Product, product_id)
    if product is None:
        raise HTTPException(404, "No such product")
    with scope.span("load reviews"):
        reviews = await _reviews(session, product_id)
    return ProductPage(**_card(product).model_dump(), in_stock=product.stock > 0, reviews=reviews)


@router.get("/{product_id}/price")
async def price(product_id: ProductId, shop: CurrentShop, quantity: Annotated[int, Query(ge=1, le=1000)] = 1) -> Price:
    """The cheapest request of the shop that still has a span and a probed function: load tests use it."""
    unit_cents = shop.prices.get(product_id)
    if unit_cents is None:
        raise HTTPException(404, "No such product")
    with scope.span("price basket", items=quantity):
        total_cents = line_total_cents(unit_cents, quantity)
    return Price(product_id=product_id, quantity=quantity, total_cents=total_cents)


def _card(product: Product) -> ProductCard:
    return ProductCard(id=product.id, name=product.name, category=product.category, price_cents=product.price_cents)


async def _reviews(session: AsyncSession, product_id: int) -> list[ReviewCard]:
    """Deliberately slow: one query for the reviews, then one more for the author of each (N+1).

    The cure would be a join. It is left in because this is the shape that a trace should make plain.
    """
    reviews = (await session.scalars(select(Review).where(Review.product_id == product_id))).all()
    return [
        ReviewCard(author=await author_name(session, review.author_id), stars=review.stars, text=review.text)
        for review in reviews
    ]


@scope.probe
async def author_name(session: AsyncSession, author_id: int) -> str:
    return (await session.scalars(select(Customer.name).where(Customer.id == author_id))).one()
