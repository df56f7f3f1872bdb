"""What a running worker owns: made at start-up, closed at shutdown, reached through dependencies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from .broadcast import Channel, Channels
from .database import open_engine
from .models import Product
from .payments_client import PaymentsClient
from .seed import ensure_database
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Shop:
    """``prices`` is the price list in cents by product id, read once at start-up."""

    settings: Settings
    sessions: async_sessionmaker[AsyncSession]
    payments: PaymentsClient
    prices: Mapping[int, int]
    orders: Channel = field(default_factory=Channel)
    rooms: Channels = field(default_factory=Channels)


@asynccontextmanager
async def open_shop(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Shop]:
    """The shop, for the life of the worker; ``transport`` replaces the network between shop and payments in tests."""
    await asyncio.to_thread(ensure_database, settings.database, settings.scrypt_n)
    engine = open_engine(settings.database)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    try:
        async with PaymentsClient.open(settings.payments_url, settings.payments_timeout_s, transport) as payments:
            yield Shop(settings, sessions, payments, await _price_list(sessions))
    finally:
        await engine.dispose()


async def _price_list(sessions: async_sessionmaker[AsyncSession]) -> Mapping[int, int]:
    async with sessions() as session:
        products = await session.scalars(select(Product))
        return {product.id: product.price_cents for product in products}
