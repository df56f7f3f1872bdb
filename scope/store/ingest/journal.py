"""What one batch changes in main.db, as rows for named statements.

A slice and main.db cannot be committed at once. So the slice's transaction carries, besides the requests, these rows:
main.db's whole share of the batch. The commit of the slice is the commit of the batch; main.db follows. Whoever finds a
journal with a batch that main.db has not reached applies it, and nothing is lost or counted twice. Bytes of a ring are
given free (heads) by main.db only, so a batch of which the slice has nothing is read from the ring again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ..database import insert_all, transaction
from ..errors import StoreUnavailable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from ..database import Row

__all__ = ["Journal"]

_ADD_BIN = (
    "INSERT INTO {0} VALUES ({1}, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,"
    " failed = failed + excluded.failed, bytes_in = bytes_in + excluded.bytes_in,"
    " bytes_out = bytes_out + excluded.bytes_out"
)


class _Insert(NamedTuple):
    """Rows of ``width`` values for a table, many to a statement."""

    width: int
    table: str
    instead: str = "INSERT"

    def apply(self, main: sqlite3.Connection, rows: Sequence[Row]) -> None:
        insert_all(main, self.table, self.width, rows, instead=self.instead)


class _Each(NamedTuple):
    """Statements that are carried out for every row of ``width`` values."""

    width: int
    sql: tuple[str, ...]

    def apply(self, main: sqlite3.Connection, rows: Sequence[Row]) -> None:
        for sql in self.sql:
            main.executemany(sql, rows)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


_ADD_FAULT: Final = (
    f"INSERT INTO faults VALUES ({_marks(10)}) ON CONFLICT DO UPDATE SET"
    " line = iif(excluded.last_ns >= last_ns, excluded.line, line),"
    " message = iif(excluded.last_ns >= last_ns, excluded.message, message),"
    " exemplar = iif(excluded.last_ns >= last_ns, excluded.exemplar, exemplar),"
    " first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns)"
)
_ADD_FAULT_MINUTE: Final = (
    "INSERT INTO fault_minutes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET requests = requests + excluded.requests"
)

_STATEMENTS: Final[dict[str, _Insert | _Each]] = {
    "definition": _Insert(3, "definitions", "INSERT OR IGNORE"),
    "closed": _Each(1, ("DELETE FROM requests WHERE request = ?", "DELETE FROM pieces WHERE request = ?")),
    "unnoted": _Each(1, ("DELETE FROM attributes WHERE request = ?", "DELETE FROM exceptions WHERE request = ?")),
    "shape": _Insert(10, "shapes"),
    "span_name": _Insert(2, "span_names"),
    "open": _Insert(24, "requests", "INSERT OR REPLACE"),
    "piece": _Insert(4, "pieces", "INSERT OR IGNORE"),
    "attribute": _Insert(4, "attributes", "INSERT OR IGNORE"),
    "exception": _Insert(2, "exceptions", "INSERT OR IGNORE"),
    "endpoint": _Insert(5, "endpoints"),
    "minute": _Each(7, (_ADD_BIN.format("minutes", "?1"), _ADD_BIN.format("hours", "?1 / 60"))),
    "fault": _Each(10, (_ADD_FAULT,)),
    "fault_minute": _Each(3, (_ADD_FAULT_MINUTE,)),
    "resident": _Insert(2, "residents", "INSERT OR IGNORE"),
    "slice": _Each(2, ("UPDATE slices SET block = ?2 WHERE start_ns = ?1",)),
    "block": _Each(1, ("UPDATE progress SET block = ?",)),
    "head": _Insert(2, "heads", "INSERT OR REPLACE"),
    "loss": _Each(
        3, ("INSERT INTO losses VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET events = max(events, excluded.events)",)
    ),
    "lane_loss": _Insert(4, "lane_losses", "INSERT OR REPLACE"),
    "process_event": _Insert(14, "process_events", "INSERT OR IGNORE"),
}
"""In the order in which they are carried out."""

_NOTHING: Final = ""


class Journal:
    """Rows by the name of their statement."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}

    @classmethod
    def load(cls, slice_: sqlite3.Connection) -> tuple[int, Journal]:
        """The batch last stored in a slice, 0 for none, and its journal. Raises StoreUnavailable for a damaged one."""
        rows = slice_.execute("SELECT * FROM journal ORDER BY rowid").fetchall()
        journal = cls()
        for _, name, *values in rows:
            if name not in _STATEMENTS and name != _NOTHING:
                raise StoreUnavailable(
                    f"the journal of a slice asks for {name!r}, which is unknown: move the store away"
                )
            if name != _NOTHING:
                journal.add(name, [tuple(values[: _STATEMENTS[name].width])])
        return rows[0][0] if rows else 0, journal

    def add(self, statement: str, rows: Iterable[Row]) -> None:
        fresh = list(rows)
        if fresh:
            self._rows.setdefault(statement, []).extend(fresh)

    def save(self, slice_: sqlite3.Connection, batch: int) -> None:
        """Put the rows into the open transaction of a slice, in place of those of an earlier batch."""
        slice_.execute("DELETE FROM journal")
        slice_.execute("INSERT INTO journal (batch, statement) VALUES (?, ?)", (batch, _NOTHING))
        for name, rows in self._rows.items():
            width = _STATEMENTS[name].width
            columns = ", ".join(f"c{number}" for number in range(1, width + 1))
            insert_all(
                slice_, f"journal (batch, statement, {columns})", width + 2, ((batch, name, *row) for row in rows)
            )

    def apply(self, main: sqlite3.Connection, batch: int) -> None:
        """Carry out everything in one transaction that leaves main.db at ``batch``."""
        with transaction(main):
            for name, statement in _STATEMENTS.items():
                if name in self._rows:
                    statement.apply(main, self._rows[name])
            main.execute("UPDATE progress SET batch = ?", (batch,))
