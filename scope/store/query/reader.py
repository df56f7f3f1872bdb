"""The reader: all that views know of the store."""

from __future__ import annotations

import time
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from ..files import StoreFiles
from .archive import Archive
from .content import Content
from .cursor import Cursor
from .find import find
from .info import read_info
from .neighbours import neighbours
from .pages import listing
from .process_events import read_process_events
from .rows import SELECT, summary
from .stats import read_errors, read_routes
from .tail import read_tail, stored_until
from .workers import read_workers, worker_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from os import PathLike
    from types import TracebackType

    from ...model import Definition, ProcessEvent, RequestSummary, Trace
    from ..filter import Filter
    from .info import StoreInfo
    from .neighbours import Sort
    from .pages import Listing
    from .stats import ErrorGroup, RouteStats
    from .workers import Worker

__all__ = ["Reader"]

_TIMEOUT_S: Final = 5.0
_PAGE: Final = 200


class Reader:
    """Looks into the store in ``directory`` and never changes it; a context manager, for one thread.

    A collector may write and remove slices meanwhile: every call sees what is stored when it is made. Raises
    StoreUnavailable where there is no store, or one that is damaged or of another version. ``clock`` gives Unix
    nanoseconds.
    """

    def __init__(
        self,
        directory: str | PathLike[str],
        *,
        clock: Callable[[], int] = time.time_ns,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._files = StoreFiles(Path(directory))
        self._clock = clock
        self._archive = Archive(self._files, timeout_s)
        self._content = Content(self._archive)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._archive.close()

    # --- lists --------------------------------------------------------------------------------------------------------

    def requests(
        self,
        filter: Filter | None = None,
        *,
        limit: int = 50,
        sort: str = "start",
        before: Cursor | None = None,
        since_ns: int | None = None,
    ) -> list[RequestSummary]:
        """Requests, the open ones included, that meet ``filter``; the greatest of ``sort`` first, so the newest.

        ``before`` begins after the request of that place: see :meth:`Cursor.after`. Raises StoreError for a ``sort``
        that is no number of a request.
        """
        return self._newest(listing(filter, sort, before, since_ns), limit, filter)

    def open_requests(self) -> list[RequestSummary]:
        """What was running at the last word of the collector, the oldest first."""
        return [summary(row) for row in self._archive.main.rows(f"{SELECT} ORDER BY requests.start_ns")]

    def find(self, reference: str) -> RequestSummary:
        """The request that ``reference`` means: an id, a prefix that only one has, @last, @slowest or @last-error.

        Ids are the correlation id, the trace id and the id of the request's own span. Where one is on several requests,
        because it was passed on between services, the one that the others were made for is meant. Raises NotFound or
        Ambiguous.
        """
        return find(self._archive, reference, self._newest)

    def tail(self, after: Cursor | None = None) -> tuple[list[RequestSummary], Cursor]:
        """Requests that were stored as finished after ``after``, in the order of storing, and where to go on.

        Without ``after`` none, and the present end. A long list comes in parts: call again until one is empty.
        """
        if after is None:
            return [], stored_until(self._archive)
        return read_tail(self._archive, after)

    # --- one request --------------------------------------------------------------------------------------------------

    def trace(self, request: RequestSummary, *, limit: int | None = None) -> Trace:
        """The request with its spans, as it is stored now. Raises NotFound when it has been removed meanwhile.

        With a ``limit`` it has at most so many spans below the root, marks and steps, and says what it was made
        without: the first of the shallowest spans are kept, the first marks and steps. What is held meanwhile is
        bounded, whatever the request's size.
        """
        return self._content.trace(request, limit)

    def blob(self, request: RequestSummary) -> bytes:
        """The records of the request, as the wire format has them. Raises NotFound."""
        return self._content.blob(request)

    def definitions_of(self, request: RequestSummary) -> Sequence[Definition]:
        """What the site ids in the request's records stand for, number 1 first. Raises NotFound."""
        return self._content.definitions(request)

    def neighbours(self, request: RequestSummary, sort: Sort, *, limit: int) -> list[RequestSummary]:
        """Requests that the same process served meanwhile; see :func:`neighbours`."""
        return neighbours(self._archive, request, limit, sort)

    # --- processes ----------------------------------------------------------------------------------------------------

    def process_events(
        self, since_ns: int, until_ns: int, *, beside: RequestSummary | None = None, limit: int = 10_000
    ) -> list[ProcessEvent]:
        """What happened to processes outside requests between the two, by time; at most the last ``limit`` of it.

        ``beside`` a request, to the process that served it. It counts what began up to ten minutes earlier and lasted.
        """
        return read_process_events(self._archive.main, (since_ns, until_ns), beside, limit)

    def workers(self, *, limit: int = 1_000) -> list[Worker]:
        """Traced processes of which anything is kept, those first that were traced last."""
        return read_workers(self._archive.main, limit)

    def worker_of(self, request: RequestSummary) -> Worker | None:
        """The process that served the request; None where it is forgotten."""
        return worker_of(self._archive.main, request)

    # --- the whole ----------------------------------------------------------------------------------------------------

    def routes(self, since_ns: int | None = None) -> list[RouteStats]:
        """Every endpoint with requests since then, the busiest first; open requests are not in it."""
        return read_routes(self._archive.main, since_ns, self._clock())

    def errors(self, since_ns: int | None = None) -> list[ErrorGroup]:
        """Every group of exceptions with requests since then, the most frequent first."""
        return read_errors(self._archive.main, since_ns)

    def info(self) -> StoreInfo:
        return read_info(self._archive, self._files)

    # --- merging ------------------------------------------------------------------------------------------------------

    def _newest(self, wanted: Listing, limit: int, filter: Filter | None = None) -> list[RequestSummary]:
        """The first ``limit`` of all files; one that ended between the readings of two is taken as ended."""
        page = min(limit, _PAGE)
        found = list(islice(self._passed(wanted.read(lambda: self._archive.main, page), filter), limit))
        for bounds in self._archive.slices():
            if wanted.is_by_start and len(found) == limit and found[-1].start_ns >= bounds.end_ns:
                break
            rows = wanted.read(partial(self._archive.slice, bounds.start_ns), page)
            more = islice(self._passed(rows, filter), limit)
            distinct = {(each.span_id, each.start_ns): each for each in chain(found, more)}
            found = sorted(distinct.values(), key=lambda each: Cursor.after(each, wanted.field), reverse=True)[:limit]
        return found

    def _passed(self, requests: Iterator[RequestSummary], filter: Filter | None) -> Iterator[RequestSummary]:
        """Those that also meet what SQL cannot tell."""
        if filter is None or not filter.needs_trace:
            return requests
        return (each for each in requests if filter.matches(each, partial(self.trace, each)))
