"""What is said where something of ours fails: the request goes on, and the log tells once what it will lack."""

from __future__ import annotations

import logging
import sys
from functools import lru_cache
from typing import Final

__all__ = ["report", "report_unnamed"]

logger: Final = logging.getLogger("scope")


@lru_cache(maxsize=256)
def report(lacking: str) -> None:
    """Log the exception that is being handled, and what is lacking for it; the same only once."""
    logger.error("scope: %s", lacking, exc_info=sys.exception())


def report_unnamed(route: object, error: Exception) -> None:
    """Log ``error``, which kept the name of ``route`` from a request."""
    try:
        raise error
    except Exception:
        report(f"{type(route)!r} is traced without its name")
