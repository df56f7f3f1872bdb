"""The schema of the store's files, versioned: step n of a schema makes version n of version n - 1.

A step is never edited once released; what changes is a further step. A file's version is its ``user_version``. A step
of main.db that changes what the journal writes to goes with one of the slices that changes the rows of the journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from .errors import StoreUnavailable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["MAIN", "SLICE", "Schema"]


@dataclass(frozen=True, slots=True)
class Schema:
    """``steps`` give scripts of SQL, the first of which makes an empty file version 1."""

    name: str
    steps: tuple[Callable[[], str], ...]

    @property
    def version(self) -> int:
        return len(self.steps)

    def migrate(self, connection: sqlite3.Connection, path: Path) -> None:
        """Bring the file to this version, each step in a transaction of its own.

        Raises StoreUnavailable when the file is of a newer version.
        """
        for number in range(self._read(connection, path) + 1, self.version + 1):
            script = f"BEGIN IMMEDIATE;\n{self.steps[number - 1]()}\n;PRAGMA user_version = {number};\nCOMMIT;"
            try:
                connection.executescript(script)
            except BaseException:
                connection.rollback()
                raise

    def check(self, connection: sqlite3.Connection, path: Path) -> None:
        """Raise StoreUnavailable unless the file is of this version, FileNotFoundError while it is being made."""
        version = self._read(connection, path)
        if not version:
            raise FileNotFoundError(path)
        if version < self.version:
            raise StoreUnavailable(
                f"{path} has schema {version} of {self.version}: run `scope collect --once` to bring it up to date"
            )

    def _read(self, connection: sqlite3.Connection, path: Path) -> int:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > self.version:
            raise StoreUnavailable(
                f"{path} was written by a newer version of scope (schema {version}, this one knows {self.version}): "
                "upgrade, or name another directory"
            )
        return version


def _load(*names: str) -> str:
    from importlib.resources import files  # noqa: PLC0415 - takes its time, and readers need none of it

    folder = files(__package__ or __name__) / "sql"
    return "\n".join((folder / f"{name}.sql").read_text(encoding="utf-8") for name in names)


MAIN: Final = Schema("main", (partial(_load, "requests_1", "main_1"), partial(_load, "main_2")))
SLICE: Final = Schema("slice", (partial(_load, "requests_1", "slice_1"),))
