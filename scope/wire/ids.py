"""Span ids: a bijection on the spans of a request, so that no span carries more than its number.

The rule is docs/design/wire.md's; the mixing function is SplitMix64's finaliser (Steele, Lea and Flood, 2014).
"""

from __future__ import annotations

from typing import Final

_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15


def mix64(value: int) -> int:
    """SplitMix64's finaliser of ``value`` modulo 2**64."""
    value &= _MASK
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31


def span_id(root_span_id: int, number: int) -> int:
    """The 64-bit W3C id of span ``number`` of the request whose root span has ``root_span_id``; never 0 for a child."""
    if number <= 1:
        return root_span_id
    return mix64(root_span_id + number * _GOLDEN) or 1
