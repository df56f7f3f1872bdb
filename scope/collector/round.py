"""What was read up to one moment, on its way to the store."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..store import Batch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core import Correlator
    from ..store.batch import LaneLoss
    from .fleet import News

MOST: Final = 2_000
"""Finished requests of a batch, about: as tuples they take several times the memory that the correlator needs."""

LARGEST: Final = 3 * MOST
"""Finished requests of a batch at most."""


class Waiting(NamedTuple):
    """What a segment has for a round: its number in the store, its slot in the correlator, its finished requests."""

    number: int
    slot: int
    finished: int


class Round:
    """Batches that make the store agree with what was read when the round was made.

    All of a segment is in one batch: its finished requests, its open ones, the positions up to which both were read.
    So whichever batch was the last before a kill, of each segment the store has all up to the positions that it knows.
    Only of a segment with more than LARGEST finished requests some go ahead: the next collector reads them again, and
    the store knows them by their identity. The definitions come first, so that names are known before their use.

    ``waiting`` are the segments, ``unfinished`` their open requests.
    """

    def __init__(
        self, correlator: Correlator, waiting: Iterable[Waiting], unfinished: Iterable[tuple[Any, ...]], news: News
    ) -> None:
        self._correlator = correlator
        self._unfinished: dict[int, list[tuple[Any, ...]]] = {}
        for row in unfinished:
            self._unfinished.setdefault(row[0], []).append(row)
        self._definitions, self._heads, self._losses, self._process = news
        fresh = set(self._unfinished).union(*news)
        self._waiting = deque(each for each in waiting if each.finished or each.number in fresh)

    def next(self) -> Batch | None:
        """The next batch, None after the last. Those that finish meanwhile are for the next round."""
        if not self._waiting:
            return None
        finished: list[tuple[Any, ...]] = []
        whole: list[int] = []
        while self._waiting and len(finished) < MOST:
            number, slot, count = self._waiting[0]
            if finished and len(finished) + count > LARGEST:
                break
            finished += self._correlator.take(min(count, LARGEST), slot)
            if count > LARGEST:
                self._waiting[0] = Waiting(number, slot, count - LARGEST)
                break
            self._waiting.popleft()
            whole.append(number)
        return self._batch(finished, whole)

    def _batch(self, finished: list[tuple[Any, ...]], whole: list[int]) -> Batch:
        """A batch with all else that there is of the segments that are ``whole`` with it."""
        definitions, self._definitions = self._definitions, {}
        losses = {number: self._losses[number] for number in whole if number in self._losses}
        return Batch(
            finished,
            [row for number in whole for row in self._unfinished.get(number, ())],
            definitions,
            {number: self._heads[number] for number in whole if number in self._heads},
            {number: _by_reason(rows) for number, rows in losses.items()},
            losses,
            {number: self._process[number] for number in whole if number in self._process},
        )


def _by_reason(rows: Iterable[LaneLoss]) -> dict[str, int]:
    """What all lanes have lost together."""
    total: Counter[str] = Counter()
    for _, reason, events in rows:
        total[reason] += events
    return dict(total)
