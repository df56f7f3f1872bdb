"""What rollups count by: service, kind, method and route, each combination under a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

    from ..database import Row

__all__ = ["Endpoints"]

_METHODS: Final = frozenset(
    {"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"}
)
_OTHER: Final = "*"
_MAX_ENDPOINTS: Final = 10_000
"""Routes come from the application and are few; should they not be, the rest is counted as one."""

_Endpoint = tuple[str, str, str, "str | None"]


class Endpoints:
    """The numbers of all endpoints; those in ``fresh`` are not in main.db yet."""

    def __init__(self, main: sqlite3.Connection) -> None:
        rows = main.execute("SELECT service, kind, method, route, id FROM endpoints")
        self._numbers: dict[_Endpoint, int] = {row[:4]: row[4] for row in rows}
        self._next = max(self._numbers.values(), default=0) + 1
        self.fresh: list[Row] = []

    def number(self, service: str, kind: str, method: str, route: str | None) -> int:
        endpoint: _Endpoint = (service, kind, method if method in _METHODS else _OTHER, route)
        if endpoint not in self._numbers and len(self._numbers) >= _MAX_ENDPOINTS:
            endpoint = (service, kind, _OTHER, _OTHER)
        number = self._numbers.get(endpoint)
        if number is None:
            number = self._numbers[endpoint] = self._next
            self._next += 1
            self.fresh.append((number, *endpoint))
        return number

    def take_fresh(self) -> list[Row]:
        fresh, self.fresh = self.fresh, []
        return fresh
