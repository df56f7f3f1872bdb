"""The method of every measurement here: short blocks of the variants side by side, compared round by round.

A machine's speed drifts by more than what is measured. So the variants take turns in blocks of milliseconds, in
alternating order, and each block is compared with its neighbour of the same round only; the median of these differences
stands for the process. One variant is the baseline a second time: how far it seems to be from itself is the noise of
the measurement.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WARM_UP = 3


def rotate(
    blocks: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], int] = time.thread_time_ns
) -> dict[str, list[int]]:
    """Run every block once a round; what ``clock`` advanced in each, by name. Rounds for warming up are not counted."""
    spent: dict[str, list[int]] = {name: [] for name in blocks}
    names = list(blocks)
    for number in range(-WARM_UP, rounds):
        for name in names if number % 2 else reversed(names):
            start = clock()
            blocks[name]()
            if number >= 0:
                spent[name].append(clock() - start)
    return spent


def added(spent: Mapping[str, list[int]], name: str, baseline: str, count: int) -> float:
    """How much more ``name`` took than ``baseline``, for one of the ``count`` repetitions in a block."""
    pairs = zip(spent[name], spent[baseline], strict=True)
    return median(more - less for more, less in pairs) / count
