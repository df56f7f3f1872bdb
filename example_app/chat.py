"""A chat over WebSockets: whoever is in a room reads what anyone in it writes."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, WebSocket, WebSocketDisconnect

import scope

from .broadcast import Channel
from .dependencies import CurrentShop

router = APIRouter(prefix="/chat", tags=["chat"])


@router.websocket("/{room}")
async def chat(
    websocket: WebSocket,
    shop: CurrentShop,
    room: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")],
    name: Annotated[str, Query(min_length=1, max_length=40)] = "guest",
) -> None:
    await websocket.accept()
    scope.annotate(room=room, name=name)
    with shop.rooms.join(room) as (channel, inbox):
        channel.publish(f"* {name} came in")
        reader = asyncio.create_task(deliver(websocket, inbox))
        try:
            await relay(websocket, channel, name)
        finally:
            reader.cancel()
            channel.publish(f"* {name} left")


async def relay(websocket: WebSocket, channel: Channel, name: str) -> None:
    """Publish what this member writes, until the connection closes."""
    async for text in websocket.iter_text():
        with scope.span("publish", listeners=channel.listeners):
            channel.publish(f"{name}: {text}")


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    """Send this member what is published, until cancelled or the connection is gone."""
    try:
        while True:
            await websocket.send_text(await inbox.get())
    except (WebSocketDisconnect, RuntimeError):
        return  # closed between two messages; relay sees it too and ends the connection
