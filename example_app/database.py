"""The connection to the shop's SQLite file, which all workers share."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

# Write-ahead logging lets one worker read while another writes; two writers wait for each other, up to the timeout.
PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON")


def open_engine(path: Path) -> AsyncEngine:
    """An engine on the file at ``path``; whoever opens it disposes of it."""
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)))
    event.listen(engine.sync_engine, "connect", prepare)
    return engine


def prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry | None = None) -> None:
    """Give a new connection the shop's settings."""
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
