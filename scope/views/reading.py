"""Reads the traces of many requests, as far as there is time for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ..store import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import RequestSummary, Trace
    from ..store import Reader

__all__ = ["SHOWN_AT_MOST", "Reading"]

SHOWN_AT_MOST: Final = 20_000
"""So many spans, marks and steps are shown of a request at most: people read fewer, and programs ask for all."""


class Reading:
    """Reads requests of at most ``events`` events in all; ``skipped`` counts those that were too many, or too big."""

    def __init__(self, store: Reader, events: int) -> None:
        self._store = store
        self._left = events
        self.skipped = 0

    def traces(self, requests: Sequence[RequestSummary], most: int) -> Iterator[Trace]:
        """The first ``most`` of the requests, without those that have been removed meanwhile."""
        self.skipped += max(len(requests) - most, 0)
        for request in requests[:most]:
            if request.events > self._left:
                self.skipped += 1
                continue
            self._left -= request.events
            with suppress(NotFound):
                yield self._store.trace(request, limit=SHOWN_AT_MOST)
