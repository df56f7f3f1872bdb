"""Connections to the store's files: how they are opened, and what their errors mean to people."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Final

from .._core import interlace
from .errors import StoreBusy, StoreError, StoreFull, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from .schema import Schema

__all__ = [
    "Row",
    "Value",
    "insert_all",
    "insert_columns",
    "open_for_reading",
    "open_for_writing",
    "transaction",
    "translated",
]

Value = int | float | str | bytes | bytearray | None
Row = tuple[Value, ...]

_PAGE_BYTES: Final = 8192
_WAL_PAGES: Final = 1024
_ROWS_A_STATEMENT: Final = 50
_SETTINGS: Final = (
    f"page_size = {_PAGE_BYTES}",
    "synchronous = NORMAL",
    "journal_mode = WAL",
    "cache_size = -8192",
    f"wal_autocheckpoint = {_WAL_PAGES}",
    f"journal_size_limit = {_PAGE_BYTES * _WAL_PAGES * 2}",
    "secure_delete = OFF",
    "temp_store = MEMORY",
)


def _connect(target: str, timeout_s: float, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(target, timeout=timeout_s, isolation_level=None, cached_statements=256, uri=uri)


def open_for_writing(path: Path, schema: Schema, timeout_s: float) -> sqlite3.Connection:
    """Open ``path``, made first if need be (readable by its owner only), at the version of ``schema``."""
    with translated(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        connection = _connect(str(path), timeout_s)
        try:
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
            schema.migrate(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def open_for_reading(path: Path, schema: Schema, timeout_s: float) -> sqlite3.Connection:
    """Open ``path`` so that nothing can be changed through it. Raises FileNotFoundError when it is not there yet."""
    if not path.exists():
        raise FileNotFoundError(path)
    with translated(path):
        connection = _connect(f"{path.absolute().as_uri()}?mode=ro", timeout_s, uri=True)
        try:
            schema.check(connection, path)
        except sqlite3.OperationalError:
            connection.close()
            if not path.exists():
                raise FileNotFoundError(path) from None
            if os.access(path.parent, os.W_OK):
                raise
            return _open_immutable(path, schema, timeout_s)
        except BaseException:
            connection.close()
            raise
        return connection


def _open_immutable(path: Path, schema: Schema, timeout_s: float) -> sqlite3.Connection:
    """For a medium where the files that readers and a writer share cannot be made: nobody writes there."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", timeout_s, uri=True)
    try:
        schema.check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """A write transaction around the block: committed at its end, rolled back on any exception."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def insert_all(
    connection: sqlite3.Connection, into: str, width: int, rows: Iterable[Sequence[Value]], *, instead: str = "INSERT"
) -> None:
    """Insert ``rows`` of ``width`` values, many to a statement: that takes a quarter off the time.

    ``into`` is a table, with its columns where these are not all. ``instead`` of INSERT may say what becomes of a row
    that violates a constraint.
    """
    _insert(connection, f"{instead} INTO {into} VALUES ", ["?"] * width, list(chain.from_iterable(rows)))


def insert_columns(
    connection: sqlite3.Connection, table: str, columns: Sequence[Iterable[Value]], *, empty_is_null: int
) -> None:
    """As :func:`insert_all`, from columns; ``empty_is_null`` is the index of one for which "" stands for null."""
    marks = ["?"] * len(columns)
    marks[empty_is_null] = "nullif(?, '')"
    _insert(connection, f"INSERT INTO {table} VALUES ", marks, interlace(columns))


def _insert(connection: sqlite3.Connection, insert: str, marks: Sequence[str], flat: list[Value]) -> None:
    width = len(marks)
    one = f"({', '.join(marks)})"
    many = width * _ROWS_A_STATEMENT
    whole = len(flat) // many * many
    if whole:
        parts = (flat[start : start + many] for start in range(0, whole, many))
        connection.executemany(insert + ", ".join([one] * _ROWS_A_STATEMENT), parts)
    if whole < len(flat):
        connection.executemany(insert + one, (flat[start : start + width] for start in range(whole, len(flat), width)))


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Errors of SQLite and the system as ours, with the path and what to do; violated constraints pass as they are."""
    try:
        yield
    except (sqlite3.IntegrityError, FileNotFoundError):
        raise
    except sqlite3.DatabaseError as error:
        raise _meaning(error, path) from error
    except UnicodeDecodeError as error:  # of a message about what is damaged, or of a text that is
        raise StoreUnavailable(f"{path} is damaged ({error}): move it away") from error
    except OSError as error:
        raise StoreFull(f"cannot write {path}: {error.strerror}: make room, or see to its permissions") from error


def _meaning(error: sqlite3.DatabaseError, path: Path) -> StoreError:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusy(f"{path} is locked by another process: end that one, or try again")
        case sqlite3.SQLITE_FULL:
            return StoreFull(f"no room left for {path}: free some disk, or lower store.retention_bytes")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return StoreFull(f"{path} cannot be written ({error}): see to the permissions of it and of its directory")
        case sqlite3.SQLITE_IOERR:
            return StoreFull(f"the system failed to read or write {path} ({error}): see to its disk")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreUnavailable(f"{path} is damaged or no store of scope ({error}): move it away")
        case _:
            return StoreError(f"{path}: {error}")
