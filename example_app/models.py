"""The shop's tables."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))


class AccessToken(Base):
    """A login. Only the token's digest is kept, so that a stolen table opens no account."""

    __tablename__ = "access_token"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    expires_at: Mapped[datetime]


class Product(Base):
    __tablename__ = "product"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    category: Mapped[str] = mapped_column(String(40), index=True)
    price_cents: Mapped[int]
    stock: Mapped[int]


class Review(Base):
    __tablename__ = "review"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    stars: Mapped[int]
    text: Mapped[str] = mapped_column(String(500))


class OrderState(StrEnum):
    RESERVED = "reserved"
    PAID = "paid"
    CANCELLED = "cancelled"


class Order(Base):
    __tablename__ = "customer_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    state: Mapped[OrderState] = mapped_column(default=OrderState.RESERVED)
    total_cents: Mapped[int]
    charge_id: Mapped[str | None] = mapped_column(String(64), default=None)
    lines: Mapped[list[OrderLine]] = relationship(lazy="raise")


class OrderLine(Base):
    __tablename__ = "order_line"

    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), primary_key=True)
    quantity: Mapped[int]


class Letter(Base):
    """An e-mail that went out."""

    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(String(254), index=True)
    subject: Mapped[str] = mapped_column(String(200))
