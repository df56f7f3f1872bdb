"""Sizes and times as people write them: ``64MiB``, ``7d``, ``200ms``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BYTE_UNITS", "TIME_UNITS_MS", "format_quantity", "parse_quantity"]

BYTE_UNITS: Final[Mapping[str, int]] = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}
"""Bytes in each unit; upper and lower case are one."""

TIME_UNITS_MS: Final[Mapping[str, int]] = {
    "ms": 1,
    "s": 1000,
    "min": 60_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
"""Milliseconds in each unit; upper and lower case are one."""

# Bounded digits: int() never meets a number that takes long to read.
_QUANTITY: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?\s*([A-Za-z]*)")


def parse_quantity(text: str, units: Mapping[str, int], base: int = 1) -> int:
    """``text`` as a whole number of ``base``, exactly; a bare number counts bases.

    Raises ValueError where it is no number, its unit is unknown or it is no whole number of bases.
    """
    match = _QUANTITY.fullmatch(text.strip().replace("_", ""))
    if match is None:
        raise ValueError(text)
    whole: str = match[1]
    fraction: str = match[2] or ""
    factor = {"": base, **{name.lower(): size for name, size in units.items()}}.get(match[3].lower())
    if factor is None:
        raise ValueError(text)
    scale: int = 10 ** len(fraction)
    quantity, rest = divmod(int(whole + fraction) * factor, base * scale)
    if rest:
        raise ValueError(text)
    return quantity


def format_quantity(quantity: int, units: Mapping[str, int], base: int = 1) -> str:
    """``quantity`` of ``base`` in the largest unit that divides it; :func:`parse_quantity` gives it back."""
    amount = quantity * base
    fitting = [(size, unit) for unit, size in units.items() if size >= base and amount and amount % size == 0]
    if not fitting:
        return str(quantity)
    # The first of two equal units is the one to show.
    size, unit = max(fitting, key=lambda each: each[0])
    return f"{amount // size}{unit}"
