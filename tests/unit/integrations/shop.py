"""A small application of FastAPI, and what its handlers do."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

import scope
from scope import ScopeMiddleware

from .asgi import Answer, get


def shop(**options: Any) -> FastAPI:
    app = FastAPI(**options)
    app.add_middleware(ScopeMiddleware)
    return app


def here() -> str:
    current = scope.current_request()
    return current.id if current else "nowhere"


def ask(app: FastAPI, path: str = "/") -> Answer:
    return get(app, path, headers=[("x-request-id", "order-7")])


def price() -> str:
    with scope.span("add it up"):
        return here()


async def price_async() -> str:
    return price()
