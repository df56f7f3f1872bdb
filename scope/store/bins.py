"""Latency bins: logarithmic, in integers, with a stated error.

Every octave (from one power of two to the next) is cut into 16 equal bins; below 32 ns each nanosecond has its own.
So a bin is at most 1/16 as wide as its lower bound, and its middle is at most 1/32 (3.2 %) away from every duration in
it. ``bin_of`` grows with the duration and leaves no number out; an hour falls into bin 618, so bins are few.

This is the layout of HdrHistogram (Tene) with four significant bits.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["RELATIVE_ERROR", "bin_of", "bins_of", "lower_bound", "middle", "percentiles"]

RELATIVE_ERROR: Final = 1 / 32
"""Bound of the error of :func:`middle`, and so of :func:`percentiles`, relative to the true duration."""


def bin_of(duration_ns: int) -> int:
    """The bin of ``duration_ns``; a negative duration counts as 0."""
    if duration_ns < 32:
        return max(duration_ns, 0)
    shift = duration_ns.bit_length() - 5
    return (shift << 4) + (duration_ns >> shift)


def bins_of(durations_ns: Sequence[int]) -> list[int]:
    """:func:`bin_of` of each; the one place where it is written out, because it runs for every request."""
    if min(durations_ns) < 32:
        return [bin_of(duration) for duration in durations_ns]
    return [((shift := duration.bit_length() - 5) << 4) + (duration >> shift) for duration in durations_ns]


def lower_bound(number: int) -> int:
    """The smallest duration, in nanoseconds, that falls into bin ``number``."""
    if number < 32:
        return number
    shift = (number >> 4) - 1
    return (16 + (number & 15)) << shift


def middle(number: int) -> int:
    """The duration that stands for all in bin ``number``."""
    return (lower_bound(number) + lower_bound(number + 1) - 1) // 2


def percentiles(counts: Mapping[int, int], fractions: Sequence[float]) -> list[int]:
    """For each fraction the duration, within :data:`RELATIVE_ERROR`, that this part of all durations doesn't exceed.

    ``counts`` gives the number of durations by bin, at least one in all. The definition is nearest rank: 0.5 of four
    durations is the second smallest.
    """
    numbers = sorted(counts)
    passed = list(accumulate(counts[number] for number in numbers))
    ranks = (max(1, math.ceil(fraction * passed[-1])) for fraction in fractions)
    return [middle(numbers[bisect_left(passed, rank)]) for rank in ranks]
