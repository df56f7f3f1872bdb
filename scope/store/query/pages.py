"""Requests of one file in order, page by page: never more in memory than asked for, never an OFFSET."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .cursor import Cursor, sort_field
from .rows import COLUMNS, LAYOUT, SELECT, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...model import RequestSummary
    from ..database import Value
    from ..filter import Filter
    from .archive import Database

__all__ = ["Listing", "listing"]

_NEVER_NULL: Final = frozenset({"start_ns", "duration_ns"})


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of requests, the greatest of ``key`` first: those that meet ``condition`` after ``before``."""

    field: str
    key: str
    condition: str
    values: tuple[Value, ...]
    before: Cursor | None

    @property
    def is_by_start(self) -> bool:
        return self.field == "start_ns"

    def read(self, database: Callable[[], Database | None], page: int) -> Iterator[RequestSummary]:
        """The requests of a database in this order, read ``page`` at a time; none from where it is no longer there."""
        place = self
        while (source := database()) is not None:
            found = place._page(source, page)
            yield from found
            if len(found) < page:
                return
            place = replace(self, before=Cursor.after(found[-1], self.field))

    def _page(self, database: Database, limit: int) -> list[RequestSummary]:
        after = f"AND ({self.key}, requests.span_id) < (?, ?)" if self.before else ""
        place = (self.before.value, self.before.tie) if self.before else ()
        sql = f"{SELECT} WHERE ({self.condition}) {after} ORDER BY {self.key} DESC, requests.span_id DESC LIMIT ?"
        return [summary(row) for row in database.rows(sql, (*self.values, *place, limit))]


def listing(filter: Filter | None, sort: str, before: Cursor | None, since_ns: int | None) -> Listing:
    """Raises StoreError for a ``sort`` that is no number."""
    field = sort_field(sort)
    column = COLUMNS[field].sql
    key = column if field in _NEVER_NULL else f"coalesce({column}, -1)"
    condition, values = filter.where(LAYOUT) if filter else ("1", ())
    if since_ns is not None:
        condition, values = f"({condition}) AND requests.start_ns >= ?", (*values, since_ns)
    return Listing(field, key, condition, values, before)
