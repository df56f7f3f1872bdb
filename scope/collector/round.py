"""What was read up to one moment, on its way to the store."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from ..store import Batch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core import Correlator
    from ..store.batch import LaneLoss
    from .fleet import News

MOST: Final = 2_000
"""Finished requests in one batch: as tuples they take several times the memory that they take in the correlator."""


class Round:
    """Batches that make the store agree with what was read when the round was made.

    The definitions come first, so that names are known before their use; the positions reached come last. A collector
    that is killed between two batches reads again what the store has, and the store knows it by its identity.

    ``finished`` is the number of requests at the front of ``correlator``, ``unfinished`` are the open ones.
    """

    def __init__(self, correlator: Correlator, finished: int, unfinished: list[tuple[Any, ...]], news: News) -> None:
        self._correlator = correlator
        self._left = finished
        self._unfinished = unfinished
        self._definitions, self._heads, self._losses = news
        self._over = not (finished or unfinished or any(news))

    def next(self) -> Batch | None:
        """The next batch, None after the last. Those that finish meanwhile are for the next round."""
        if self._over:
            return None
        finished = self._correlator.take(min(self._left, MOST))
        self._left -= len(finished)
        definitions, self._definitions = self._definitions, {}
        if self._left > 0 and finished:
            return Batch(finished, definitions=definitions)
        self._over = True
        losses = {segment: _by_reason(rows) for segment, rows in self._losses.items()}
        return Batch(finished, self._unfinished, definitions, self._heads, losses, self._losses)


def _by_reason(rows: Iterable[LaneLoss]) -> dict[str, int]:
    """What all lanes have lost together."""
    total: Counter[str] = Counter()
    for _, reason, events in rows:
        total[reason] += events
    return dict(total)
