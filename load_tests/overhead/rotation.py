"""The method of every measurement here: short blocks of the variants side by side, compared round by round.

A machine's speed drifts by more than what is measured. So the variants take turns in blocks of milliseconds, and each
block is compared with its neighbour of the same round only; the median of these differences stands for the process. One
variant is the baseline a second time: how far it seems to be from itself is the noise of the measurement.

Who runs twice in a row finds its own code and data in the processor's caches, which is worth 2 us of a 50 us request.
So each round of three or more begins with another variant, and none ever follows itself.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WARM_UP = 3


def timed(work: Callable[[], object], clock: Callable[[], int] = time.thread_time_ns) -> Callable[[], int]:
    """A block that does ``work`` and tells how far ``clock`` went meanwhile."""

    def block() -> int:
        start = clock()
        work()
        return clock() - start

    return block


def turns(names: Sequence[str], number: int) -> list[str]:
    """The order of round ``number``: the first of the round before goes to the end, unless there are but two."""
    first = number % len(names) if len(names) > 2 else 0
    return [*names[first:], *names[:first]]


def rotate(blocks: Mapping[str, Callable[[], int]], rounds: int) -> dict[str, list[int]]:
    """Run every block once a round; what each took, by name. Rounds for warming up are not counted."""
    names = list(blocks)
    spent: dict[str, list[int]] = {name: [] for name in names}
    for number in range(-WARM_UP, rounds):
        for name in turns(names, number):
            took = blocks[name]()
            if number >= 0:
                spent[name].append(took)
    return spent


def added(spent: Mapping[str, list[int]], name: str, baseline: str, count: int) -> float:
    """How much more ``name`` took than ``baseline``, for one of the ``count`` repetitions in a block."""
    pairs = zip(spent[name], spent[baseline], strict=True)
    return median(more - less for more, less in pairs) / count
