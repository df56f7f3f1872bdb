"""What one batch changes in main.db, as rows for named statements.

A slice and main.db cannot be committed at once. So the slice's transaction carries, besides the requests, these rows:
main.db's whole share of the batch. The commit of the slice is the commit of the batch; main.db follows. Whoever finds a
journal with a batch that main.db has not reached applies it, and nothing is lost or counted twice. Bytes of a ring are
given free (heads) by main.db only, so a batch of which the slice has nothing is read from the ring again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ..database import insert_all, transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from ..database import Row

__all__ = ["Journal"]

_ADD_BIN = (
    "INSERT INTO {0} VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,"
    " failed = failed + excluded.failed, bytes_in = bytes_in + excluded.bytes_in,"
    " bytes_out = bytes_out + excluded.bytes_out"
)


class _Statement(NamedTuple):
    """Statements that all get the same rows, of ``width`` values."""

    width: int
    sql: tuple[str, ...]


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

_STATEMENTS: Final[dict[str, _Statement]] = {
    "definition": _Statement(3, ("INSERT OR IGNORE INTO definitions VALUES (?, ?, ?)",)),
    "closed": _Statement(
        1,
        (
            "DELETE FROM requests WHERE request = ?",
            "DELETE FROM pieces WHERE request = ?",
            "DELETE FROM attributes WHERE request = ?",
            "DELETE FROM exceptions WHERE request = ?",
        ),
    ),
    "shape": _Statement(10, (f"INSERT INTO shapes VALUES ({_marks(10)})",)),
    "span_name": _Statement(2, ("INSERT INTO span_names VALUES (?, ?)",)),
    "open": _Statement(20, (f"INSERT OR REPLACE INTO requests VALUES ({_marks(20)})",)),
    "piece": _Statement(3, ("INSERT OR IGNORE INTO pieces VALUES (?, ?, ?)",)),
    "attribute": _Statement(4, ("INSERT OR IGNORE INTO attributes VALUES (?, ?, ?, ?)",)),
    "exception": _Statement(2, ("INSERT OR IGNORE INTO exceptions VALUES (?, ?)",)),
    "endpoint": _Statement(5, ("INSERT INTO endpoints VALUES (?, ?, ?, ?, ?)",)),
    "minute": _Statement(7, (_ADD_BIN.format("minutes"),)),
    "hour": _Statement(7, (_ADD_BIN.format("hours"),)),
    "fault": _Statement(10, (_ADD_FAULT,)),
    "fault_minute": _Statement(3, (_ADD_FAULT_MINUTE,)),
    "resident": _Statement(2, ("INSERT OR IGNORE INTO residents VALUES (?, ?)",)),
    "slice": _Statement(2, ("UPDATE slices SET block = ?2 WHERE start_ns = ?1",)),
    "block": _Statement(1, ("UPDATE progress SET block = ?",)),
    "head": _Statement(2, ("INSERT OR REPLACE INTO heads VALUES (?, ?)",)),
    "loss": _Statement(
        3, ("INSERT INTO losses VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET events = max(events, excluded.events)",)
    ),
}
"""In the order in which they are carried out."""

_WIDTH: Final = max(statement.width for statement in _STATEMENTS.values())
_NOTHING: Final = ""


class Journal:
    """Rows by the name of their statement."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}

    @classmethod
    def load(cls, slice_: sqlite3.Connection) -> tuple[int, Journal]:
        """The batch last stored in a slice, 0 for none, and its journal."""
        rows = slice_.execute("SELECT * FROM journal ORDER BY rowid").fetchall()
        journal = cls()
        for _, name, *values in rows:
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
        rows = [(batch, name, *row, *(None,) * (_WIDTH - len(row))) for name, row in self._flat()]
        insert_all(slice_, "journal", _WIDTH + 2, rows or [(batch, _NOTHING, *(None,) * _WIDTH)])

    def apply(self, main: sqlite3.Connection, batch: int) -> None:
        """Carry out everything in one transaction that leaves main.db at ``batch``."""
        with transaction(main):
            for name, statement in _STATEMENTS.items():
                rows = self._rows.get(name, ())
                for sql in statement.sql if rows else ():
                    main.executemany(sql, rows)
            main.execute("UPDATE progress SET batch = ?", (batch,))

    def _flat(self) -> Iterator[tuple[str, Row]]:
        return ((name, row) for name, rows in self._rows.items() for row in rows)
