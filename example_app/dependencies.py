"""What request handlers ask for: the shop, a database session, the customer who is logged in."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

import scope

from .models import AccessToken, Customer
from .shop import Shop

bearer = HTTPBearer(auto_error=False)


async def running_shop(connection: HTTPConnection) -> Shop:
    """The worker's shop. It comes from the lifespan's state, so mounted applications and WebSockets find it too.

    It is a coroutine because a plain function would take a trip through the thread pool on every request.
    """
    shop: Shop = connection.state.shop
    return shop


CurrentShop = Annotated[Shop, Depends(running_shop)]


async def database_session(shop: CurrentShop) -> AsyncIterator[AsyncSession]:
    """A session for one request; what the handler did not commit is rolled back."""
    async with shop.sessions() as session:
        yield session


Database = Annotated[AsyncSession, Depends(database_session)]


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def logged_in_customer(
    session: Database, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Customer:
    """Whose bearer token the request carries.

    Raises:
        HTTPException: 401, no token, or one that is unknown or has expired.
    """
    customer = await _owner(session, credentials.credentials) if credentials else None
    if customer is None:
        raise HTTPException(401, "Log in first", headers={"WWW-Authenticate": "Bearer"})
    scope.annotate(user_id=customer.id)
    return customer


CurrentCustomer = Annotated[Customer, Depends(logged_in_customer)]


@scope.probe
async def _owner(session: AsyncSession, token: str) -> Customer | None:
    query = (
        select(Customer)
        .join(AccessToken, AccessToken.customer_id == Customer.id)
        .where(AccessToken.digest == token_digest(token), AccessToken.expires_at > datetime.now(UTC))
    )
    return (await session.scalars(query)).one_or_none()
