"""What ran beside a request, read within bounds."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ..store import NotFound
from .blametext import Beside

if TYPE_CHECKING:
    from ..model import Trace
    from ..store import Reader

__all__ = ["SHOWN_AT_MOST", "read_beside"]

SHOWN_AT_MOST: Final = 20_000
"""So many spans, marks and steps are shown of a request at most: people read fewer, and programs ask for all."""
_EVENTS: Final = 100_000
"""So many events are read at most to tell who held the loop."""


def read_beside(store: Reader, trace: Trace) -> Beside:
    """The neighbours of ``trace``, as far as they are stored still and there is time to read them."""
    traces: list[Trace] = []
    left, skipped = _EVENTS, 0
    for request in store.neighbours(trace.request):
        if request.events > left:
            skipped += 1
            continue
        left -= request.events
        with suppress(NotFound):
            traces.append(store.trace(request, limit=SHOWN_AT_MOST))
    request = trace.request
    end_ns = request.start_ns + request.duration_ns
    return Beside(traces, skipped, store.process_events(request.start_ns, end_ns, beside=request))
