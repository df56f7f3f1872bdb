"""The shop as an application: ``uvicorn example_app.main:app --workers 2``.

Tracing takes one line here, ``app.add_middleware(ScopeMiddleware)``. What the domain wants to say about itself, it
says where it happens: ``@scope.probe`` on functions, ``with scope.span(...)`` around steps, ``scope.annotate(...)``
for facts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import httpx
from fastapi import FastAPI

from scope import ScopeMiddleware

from . import accounts, catalogue, chat, checkout, failures, reports, streams
from .admin import create_admin
from .errors import ShopError, answer_shop_error
from .settings import Settings
from .shop import Shop, open_shop


class State(TypedDict):
    shop: Shop


def create_app(settings: Settings, payments: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """The shop; ``payments`` takes the place of the network to the payments service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with open_shop(settings, payments) as shop:
            yield {"shop": shop}

    app = FastAPI(title="The corner shop", lifespan=lifespan)
    app.add_middleware(ScopeMiddleware)
    app.add_exception_handler(ShopError, answer_shop_error)
    for part in (accounts, catalogue, checkout, reports, streams, chat, failures):
        app.include_router(part.router)
    app.add_api_route("/health", health, tags=["health"])
    app.mount("/admin", create_admin())
    return app


async def health() -> dict[str, str]:
    """Says that this worker answers; touches nothing else."""
    return {"status": "ok"}


app = create_app(Settings.from_environment())
