"""Figures, times and foreign text as people read them.

Paths, names and messages come from callers of the traced application, so they are hostile: nothing of theirs may move
the cursor, change colours, reorder what stands beside it, or break a line. :func:`safe_text` is where that is ensured.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

__all__ = ["format_ago", "format_bytes", "format_duration", "format_time", "safe_text"]

_NS_PER_S: Final = 1_000_000_000
_SHORT_UNITS: Final = ((1, "ns"), (1_000, "µs"), (1_000_000, "ms"))
_LONG_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_BYTE_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def format_duration(duration_ns: int) -> str:
    """Three significant digits below a minute ("1.24 ms", "3.1 s"), the two largest units from there ("2 min 5 s")."""
    if duration_ns < 0:
        return f"-{format_duration(-duration_ns)}"
    for scale, unit in _SHORT_UNITS:
        if round(duration_ns / scale) < 1000:
            return f"{_three_digits(duration_ns / scale)} {unit}"
    if round(duration_ns / _NS_PER_S, 1) < 60:
        return f"{_three_digits(duration_ns / _NS_PER_S)} s"
    return _two_units(round(duration_ns / _NS_PER_S))


def format_bytes(count: int) -> str:
    """In powers of 1024, three significant digits: "512 B", "1.5 KiB"."""
    if count < 0:
        return f"-{format_bytes(-count)}"
    value = float(count)
    for unit in _BYTE_UNITS[:-1]:
        if round(value) < 1024:
            return f"{_three_digits(value)} {unit}"
        value /= 1024
    return f"{_three_digits(value)} {_BYTE_UNITS[-1]}"


def format_time(time_ns: int, zone: tzinfo | None = None) -> str:
    """Unix nanoseconds as ISO 8601 to the millisecond with its offset, in ``zone`` or the local one.

    A time beyond what calendars hold, which only damaged data has, is given in seconds ("@1e+11").
    """
    try:
        moment = _EPOCH + timedelta(microseconds=time_ns // 1000)
        return moment.astimezone(zone).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError):
        return f"@{time_ns / _NS_PER_S:.3g}"


def format_ago(then_ns: int, now_ns: int) -> str:
    """How long before ``now_ns`` it was, in its largest unit: "5 min ago"; "in 3 s" for what a wrong clock wrote."""
    seconds = abs(now_ns - then_ns) // _NS_PER_S
    if seconds == 0:
        return "just now"
    scale, unit = next(each for each in _LONG_UNITS if seconds >= each[0])
    age = f"{seconds // scale} {unit}"
    return f"{age} ago" if now_ns > then_ns else f"in {age}"


def safe_text(text: str) -> str:
    r"""``text`` with everything that does not print as itself written out: "\n", "\x1b", "\u202e".

    That covers control characters and escape sequences, direction overrides, invisible and unassigned characters, other
    blanks than the space, and lone surrogates, which no terminal could be sent. The result is one printable line.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _written_out(character) for character in text)


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _three_digits(value: float) -> str:
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def _two_units(seconds: int) -> str:
    at = next(index for index, (scale, _) in enumerate(_LONG_UNITS) if seconds >= scale)
    scale, unit = _LONG_UNITS[at]
    rest_scale, rest_unit = _LONG_UNITS[at + 1]
    rest = seconds % scale // rest_scale
    return f"{seconds // scale} {unit} {rest} {rest_unit}" if rest else f"{seconds // scale} {unit}"
