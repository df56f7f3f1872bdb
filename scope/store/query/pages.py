"""Requests of one file in order, page by page: never more in memory than asked for, never an OFFSET."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .cursor import Cursor, sort_field
from .rows import COLUMNS, LAYOUT, SELECT, SELECT_THROUGH, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...model import RequestSummary
    from ..database import Value
    from ..filter import Filter
    from .archive import Database

__all__ = ["Listing", "listing"]

_ANY: Final = "1"
_FOREVER_NS: Final = (1 << 63) - 1
_RECENT: Final = 20_000
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

    @property
    def is_filtered(self) -> bool:
        return self.condition != _ANY

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
        """The next ``limit`` requests.

        Along the index of starts a common request is found at once, but a rare one only after as many looks into the
        table as there are requests; reading the table through takes an eighth of that. So the newest are looked for
        along the index, and the table is read where these don't suffice.
        """
        recent_ns = self._recent_ns(database)
        if recent_ns is None:
            return self._rows(database, SELECT, limit)
        found = self._rows(database, SELECT, limit, "AND requests.start_ns >= ?", recent_ns)
        if len(found) < limit:
            found += self._rows(database, SELECT_THROUGH, limit - len(found), "AND requests.start_ns < ?", recent_ns)
        return found

    def _recent_ns(self, database: Database) -> int | None:
        """The start up to which requests are looked for along the index; None where there are too few to ask."""
        if not (self.is_by_start and self.is_filtered):
            return None
        latest = self.before.value if self.before else _FOREVER_NS
        sql = "SELECT start_ns FROM requests WHERE start_ns <= ? ORDER BY start_ns DESC LIMIT 1 OFFSET ?"
        row = database.row(sql, (latest, _RECENT))
        return row[0] if row else None

    def _rows(
        self, database: Database, select: str, limit: int, bound: str = "", *values: Value
    ) -> list[RequestSummary]:
        after = f"AND ({self.key}, requests.span_id) < (?, ?)" if self.before else ""
        place = (self.before.value, self.before.tie) if self.before else ()
        sql = (
            f"{select} WHERE ({self.condition}) {after} {bound} ORDER BY {self.key} DESC, requests.span_id DESC LIMIT ?"
        )
        return [summary(row) for row in database.rows(sql, (*self.values, *place, *values, limit))]


def listing(filter: Filter | None, sort: str, before: Cursor | None, since_ns: int | None) -> Listing:
    """Raises StoreError for a ``sort`` that is no number."""
    field = sort_field(sort)
    column = COLUMNS[field].sql
    key = column if field in _NEVER_NULL else f"coalesce({column}, -1)"
    condition, values = filter.where(LAYOUT) if filter else (_ANY, ())
    if since_ns is not None:
        condition, values = f"({condition}) AND requests.start_ns >= ?", (*values, since_ns)
    return Listing(field, key, condition, values, before)
