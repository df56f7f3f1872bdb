"""How the shop talks to the payments service: one pooled HTTP client for the life of the worker.

Nothing here is about tracing: scope records what httpx sends and hands the trace on in the headers, so that both
services end up in one trace.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import httpx

import scope

from .errors import PaymentDeclined, PaymentTimeout, PaymentUnavailable


@dataclass(frozen=True, slots=True)
class PaymentsClient:
    _http: httpx.AsyncClient

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> AsyncIterator[Self]:
        """A client of the service at ``url``, closed at the end of the block."""
        async with httpx.AsyncClient(base_url=url, timeout=timeout_s, transport=transport) as http:
            yield cls(http)

    @scope.probe
    async def charge(self, order_id: int, amount_cents: int, card: str) -> str:
        """Charge ``card``; the id of the charge. Charging an order twice gives the same charge.

        Raises:
            PaymentDeclined: The card was refused.
            PaymentTimeout: No answer in time; the charge may have happened.
            PaymentUnavailable: The service cannot be reached or failed.
        """
        body = {"order_id": order_id, "amount_cents": amount_cents, "card": card}
        try:
            response = await self._http.post("/charges", json=body)
        except httpx.TimeoutException as error:
            raise PaymentTimeout("The payments service did not answer in time") from error
        except httpx.TransportError as error:
            raise PaymentUnavailable("The payments service cannot be reached") from error
        if response.status_code == httpx.codes.PAYMENT_REQUIRED:
            raise PaymentDeclined(str(response.json()["detail"]))
        if response.is_error:
            raise PaymentUnavailable(f"The payments service answered {response.status_code}")
        return str(response.json()["charge_id"])
