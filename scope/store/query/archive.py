"""The store's files, open for reading: main.db all the time, slices when somebody asks for what is in them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..database import open_for_reading, translated
from ..errors import StoreUnavailable
from ..schema import MAIN, SLICE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from ..database import Value
    from ..files import StoreFiles

__all__ = ["Archive", "Database", "SliceBounds"]

_MAX_OPEN: Final = 16


class SliceBounds(NamedTuple):
    """What main.db says of a slice: ``block`` is the last one stored in it."""

    start_ns: int
    end_ns: int
    block: int


class Database:
    """One file of the store; errors name its path."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        with translated(self.path):
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Value] = ()) -> tuple[Any, ...] | None:
        found = self.rows(sql, values)
        return found[0] if found else None

    def each(self, sql: str, values: Sequence[Value] = ()) -> Generator[tuple[Any, ...]]:
        """The rows one by one, all of one moment; to be read to the end, or closed."""
        with translated(self.path), closing(self._connection.execute(sql, values)) as rows:
            yield from rows

    def close(self) -> None:
        self._connection.close()


class Archive:
    """Connections that never change anything. Raises StoreUnavailable where there is no store."""

    def __init__(self, files: StoreFiles, timeout_s: float) -> None:
        self._files = files
        self._timeout_s = timeout_s
        self._slices: dict[int, Database] = {}
        try:
            self.main = Database(files.main, open_for_reading(files.main, MAIN, timeout_s))
        except FileNotFoundError:
            raise StoreUnavailable(
                f"there is no store in {files.directory}: trace a server with `scope run`, or name the directory"
            ) from None

    def close(self) -> None:
        self.main.close()
        for database in self._slices.values():
            database.close()
        self._slices.clear()

    def slices(self) -> list[SliceBounds]:
        """All slices, the newest first."""
        rows = self.main.rows("SELECT start_ns, end_ns, block FROM slices ORDER BY start_ns DESC")
        found = [SliceBounds(*row) for row in rows]
        for start in self._slices.keys() - {bounds.start_ns for bounds in found}:
            self._slices.pop(start).close()
        return found

    def slice(self, start_ns: int) -> Database | None:
        """The slice that starts at ``start_ns``, good until the next call; None when retention has removed it."""
        database = self._slices.pop(start_ns, None)
        if database is None:
            path = self._files.slice(start_ns)
            try:
                database = Database(path, open_for_reading(path, SLICE, self._timeout_s))
            except FileNotFoundError:
                return None
            while len(self._slices) >= _MAX_OPEN:
                self._slices.pop(next(iter(self._slices))).close()
        self._slices[start_ns] = database
        return database
