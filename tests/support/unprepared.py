"""Applications that know nothing of scope, for what ``scope run`` makes of them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def bare(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"bare"})


async def item(request: Any) -> PlainTextResponse:
    return PlainTextResponse(request.path_params["name"])


starlette = Starlette(routes=[Route("/items/{name}", item)])
fastapi = FastAPI()


@fastapi.get("/items/{name}")
async def read_item(name: str) -> str:
    return name
