"""Applications whose one endpoint prices a basket: written for ASGI itself, and with FastAPI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from . import basket
from .exchange import respond

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .exchange import App


def plain() -> App:
    async def app(_: object, __: object, send: Callable[..., Awaitable[None]]) -> None:
        await respond(send, json.dumps(basket.answer()).encode())

    return app


def fastapi() -> App:
    from fastapi import FastAPI  # noqa: PLC0415 - takes a second, and most processes need none

    app = FastAPI()
    app.get("/basket")(basket_of)
    return app


async def basket_of() -> dict[str, object]:
    return basket.answer()
