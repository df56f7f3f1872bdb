"""E-mail, sent after the customer has the answer."""

from __future__ import annotations

import asyncio

import scope

from .models import Letter
from .shop import Shop


@scope.probe
async def send_letter(shop: Shop, recipient: str, subject: str) -> None:
    """Background job: deliver one letter. None leaves the shop: it waits as for a mail server, and keeps a copy."""
    with scope.span("deliver mail", subject=subject):
        await asyncio.sleep(shop.settings.mail_delay_s)
    async with shop.sessions.begin() as session:
        session.add(Letter(recipient=recipient, subject=subject))
