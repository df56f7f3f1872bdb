"""How much longer one piece of work takes than another: short blocks of both, turn by turn, and the median of many."""

from __future__ import annotations

import time
from itertools import repeat
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["added_ps", "block_ns"]


ROUNDS: Final = 41
WARM_UP: Final = 4
REPETITIONS: Final = 50


def added_ps(more: Callable[[], object], less: Callable[[], object], repetitions: int = REPETITIONS) -> int:
    """Picoseconds that one call of ``more`` takes beyond one of ``less``; 0 where it takes no longer."""
    differences = [block_ns(more, repetitions) - block_ns(less, repetitions) for _ in range(ROUNDS + WARM_UP)]
    return max(round(1000 * median(differences[WARM_UP:]) / repetitions), 0)


def block_ns(work: Callable[[], object], repetitions: int) -> int:
    """Nanoseconds of so many calls of ``work``, one after the other."""
    start = time.perf_counter_ns()
    for _ in repeat(None, repetitions):
        work()
    return time.perf_counter_ns() - start
