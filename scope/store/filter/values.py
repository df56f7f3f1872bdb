"""Units, times and patterns: the text of a value turned into what a condition compares with.

Every function raises ValueError with a message for people; the parser adds the place.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

__all__ = ["choice", "count", "duration", "escape", "flag", "has_wildcard", "moment", "pattern", "real", "size"]

_DURATION_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # the micro sign
    "μs": 1_000,  # the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_SIZE_UNITS = {
    "": 1,
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
_QUANTITY = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,19})?)([a-zµμ]*)", re.IGNORECASE)
_LIMIT = 2**63 - 1
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


def _quantity(text: str, units: dict[str, int], example: str) -> int:
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2].lower() not in units:
        raise ValueError(f"{text!r} is not understood: write it like {example}")
    return _whole(Decimal(match[1]) * units[match[2].lower()], text)


def _whole(number: Decimal, text: str) -> int:
    if number > _LIMIT:
        raise ValueError(f"{text!r} is too large")
    return int(number)


def duration(text: str, *, bare_ns: bool = False) -> int:
    """Nanoseconds of ``1.5s``, ``200ms``, ``15m``; a number alone is refused unless it is 0 or ``bare_ns``."""
    if text.isdecimal() and (bare_ns or int(text) == 0):
        return _whole(Decimal(text), text)
    if text.isdecimal():
        raise ValueError(f"{text!r} needs a unit, one of ns us ms s m h d: {text}ms")
    return _quantity(text, _DURATION_UNITS, "200ms, 1.5s or 15m")


def size(text: str) -> int:
    """Bytes of ``512``, ``10kB``, ``1MiB``."""
    return _quantity(text, _SIZE_UNITS, "512, 10kB or 1MiB")


def count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r} is no whole number")
    return _whole(Decimal(text), text)


def real(text: str) -> int | float:
    """A number to compare attributes with."""
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number; text is compared with : = or !=") from None
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - that is how NaN tells
        raise ValueError(f"{text!r} is no number to compare with")
    return int(number) if number.is_integer() and abs(number) <= 2**53 else number


def moment(text: str, now_ns: int) -> int:
    """Unix nanoseconds of ``15m`` (that long before ``now_ns``), of an ISO date or time, or of a whole number of them.

    A time without an offset is local.
    """
    if text.isascii() and text.isdecimal():
        return _whole(Decimal(text), text)
    if _QUANTITY.fullmatch(text):
        return now_ns - duration(text)
    try:
        parsed = datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: write 15m for that long ago, or 2026-01-31T12:00") from None
    return int(parsed.timestamp()) * 1_000_000_000 + parsed.microsecond * 1_000


def flag(text: str) -> int:
    if text.lower() in _TRUE:
        return 1
    if text.lower() in _FALSE:
        return 0
    raise ValueError(f"{text!r} is neither true nor false")


def choice(text: str, choices: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``choices`` that ``text``, a name or a pattern, means."""
    matcher = re.compile(re.escape(text.lower()).replace(r"\*", ".*").replace(r"\?", "."))
    found = tuple(name for name in choices if matcher.fullmatch(name))
    if not found:
        raise ValueError(f"{text!r} is none of {', '.join(choices)}")
    return found


def has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def pattern(text: str) -> str:
    """``text`` as a GLOB pattern in which only ``*`` and ``?`` are special."""
    return text.replace("[", "[[]")


def escape(text: str) -> str:
    """The GLOB pattern that matches ``text`` alone."""
    return re.sub(r"([*?[])", r"[\1]", text)
