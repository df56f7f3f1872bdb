"""What the events of a soak carry: who wrote them, the how manieth of that writer, and a checksum over all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS: Final = "a quick brown fox jumps over a lazy dog and naps "
LONGEST: Final = 240
"""Characters of a text; texts of 256 bytes and more are cut."""


def attributes(writer: int, number: int) -> dict[str, object]:
    """The attributes of event ``number`` of ``writer``; their size varies with the number."""
    text = _text(writer, number)
    return {"w": writer, "n": number, "p": text, "c": _checksum(writer, number, text)}


def check(found: Mapping[str, object]) -> tuple[int, int] | None:
    """(writer, number) of an event of a soak; None for any other. Raises ValueError where it is not as written."""
    if "w" not in found:
        return None
    writer, number = found["w"], found.get("n")
    if isinstance(writer, int) and isinstance(number, int) and dict(found) == attributes(writer, number):
        return writer, number
    raise ValueError(f"torn: {dict(found)!r}")


def _text(writer: int, number: int) -> str:
    size = (number * 7919 + writer) % LONGEST
    start = number % len(WORDS)
    return (WORDS * 6)[start : start + size]


def _checksum(writer: int, number: int, text: str) -> int:
    return crc32(f"{writer}:{number}:{text}".encode())
