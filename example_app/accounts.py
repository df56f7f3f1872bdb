"""Registration and login."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, HTTPException
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

import scope

from .dependencies import CurrentCustomer, CurrentShop, Database, token_digest
from .errors import EmailTaken
from .mail import send_letter
from .models import AccessToken, Customer
from .passwords import hash_password, password_matches

TOKEN_LIFE = timedelta(hours=12)

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", to_lower=True, max_length=254)]
Password = Annotated[str, Field(min_length=8, max_length=200)]

router = APIRouter(prefix="/accounts", tags=["accounts"])


class Registration(BaseModel):
    email: Email
    name: Annotated[str, Field(min_length=1, max_length=80)]
    password: Password


class Login(BaseModel):
    email: Email
    password: Password


class Account(BaseModel):
    id: int
    email: str
    name: str


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the type, not a token


@router.post("", status_code=201)
async def register(form: Registration, shop: CurrentShop, session: Database, jobs: BackgroundTasks) -> Account:
    # The hash takes tens of milliseconds; in a thread, the other requests go on meanwhile.
    hashed = await asyncio.to_thread(hash_password, form.password, shop.settings.scrypt_n)
    customer = Customer(email=form.email, name=form.name, password_hash=hashed)
    session.add(customer)
    try:
        await session.commit()
    except IntegrityError as error:
        raise EmailTaken("There is an account with this address already") from error
    scope.annotate(user_id=customer.id)
    jobs.add_task(send_letter, shop, customer.email, "Welcome to the shop")
    return Account(id=customer.id, email=customer.email, name=customer.name)


@router.post("/login")
async def login(form: Login, shop: CurrentShop, session: Database) -> Token:
    customer = (await session.scalars(select(Customer).where(Customer.email == form.email))).one_or_none()
    if customer is None:
        # As slow as a wrong password, so that the time does not tell which addresses have accounts.
        await asyncio.to_thread(hash_password, form.password, shop.settings.scrypt_n)
        raise HTTPException(401, "Wrong address or password")
    if not await asyncio.to_thread(password_matches, form.password, customer.password_hash):
        raise HTTPException(401, "Wrong address or password")
    scope.annotate(user_id=customer.id)
    token = secrets.token_urlsafe(32)
    expires_at = datetime.now(UTC) + TOKEN_LIFE
    session.add(AccessToken(digest=token_digest(token), customer_id=customer.id, expires_at=expires_at))
    await session.commit()
    return Token(access_token=token)


@router.get("/me")
async def me(customer: CurrentCustomer) -> Account:
    return Account(id=customer.id, email=customer.email, name=customer.name)
