"""How a request is numbered within a store, and how unsigned 64-bit numbers fit SQLite's signed ones."""

from __future__ import annotations

from typing import Final

__all__ = ["KEY_MASK", "MAX_SEGMENTS", "identity", "key_of", "segment_of", "signed", "unsigned"]

KEY_BITS: Final = 44
KEY_MASK: Final = (1 << KEY_BITS) - 1
MAX_SEGMENTS: Final = (1 << 63 - KEY_BITS) - 1
"""Segments that a store can tell apart at a time; numbers of segments whose requests are gone are used again."""

_TOP: Final = 1 << 63
_WRAP: Final = 1 << 64


def identity(segment: int, key: int) -> int:
    """The number that stands for request ``key`` of ``segment`` in every table."""
    return segment << KEY_BITS | key & KEY_MASK


def segment_of(request: int) -> int:
    return request >> KEY_BITS


def key_of(request: int) -> int:
    return request & KEY_MASK


def signed(number: int) -> int:
    """An unsigned 64-bit number as SQLite stores it."""
    return number - _WRAP if number >= _TOP else number


def unsigned(number: int) -> int:
    return number % _WRAP
