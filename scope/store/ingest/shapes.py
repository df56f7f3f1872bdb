"""The numbers of shapes in one database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .looks import Shape

if TYPE_CHECKING:
    import sqlite3

    from ..database import Row
    from .looks import Look

__all__ = ["Shapes"]

_MAX_SHAPES: Final = 16_384
"""Shapes remembered; one that was forgotten is stored again under another number."""


class Shapes(dict["Look", int]):
    """The number of the shape of a look; new shapes wait in ``rows`` and ``names`` until they are stored."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._numbers = _load(connection)
        self._next = max(self._numbers.values(), default=0) + 1
        self.rows: list[Row] = []
        self.names: list[Row] = []

    def __missing__(self, look: Look) -> int:
        if len(self) >= _MAX_SHAPES or len(self._numbers) >= _MAX_SHAPES:
            self.clear()
            self._numbers.clear()
        number = self._numbers.get(look.shape)
        if number is None:
            number = self._add(look.shape)
        self[look] = number
        return number

    def _add(self, shape: Shape) -> int:
        number = self._numbers[shape] = self._next
        self._next += 1
        self.rows.append((number, *shape[:-1]))
        self.names.extend((number, name) for name in shape.names)
        return number

    def stored(self) -> None:
        """What waited has been committed."""
        self.rows = []
        self.names = []


def _load(connection: sqlite3.Connection) -> dict[Shape, int]:
    names: dict[int, list[str]] = {}
    for number, name in connection.execute("SELECT shape, name FROM span_names ORDER BY shape, name"):
        names.setdefault(number, []).append(name)
    rows = connection.execute(
        "SELECT kind, state, outcome, flags, complete, status, method, route, error, id FROM shapes"
    )
    return {Shape._make((*row[:-1], tuple(names.get(row[-1], ())))): row[-1] for row in rows.fetchall()}
