"""What can go wrong in the shop's own terms, and the answer a customer gets for it."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse


class ShopError(Exception):
    """A refusal that the customer should read; ``status`` is the HTTP status of the answer."""

    status = 400


class EmailTaken(ShopError):
    status = 409


class OutOfStock(ShopError):
    status = 409


class PaymentDeclined(ShopError):
    status = 402


class PaymentUnavailable(ShopError):
    status = 502


class PaymentTimeout(PaymentUnavailable):
    status = 504


async def answer_shop_error(request: Request, error: Exception) -> JSONResponse:
    """Exception handler: the status and words of a :class:`ShopError`."""
    status = error.status if isinstance(error, ShopError) else 500
    return JSONResponse({"detail": str(error), "error": type(error).__name__}, status_code=status)
