"""What the site ids of each segment stand for, as the writer needs it: routes, names of spans."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...wire.definitions import decode_definition
from ...wire.errors import WireError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from ...model import Definition

__all__ = ["Definitions"]


@dataclass(slots=True)
class _Known:
    """The entries of one segment in order, and the names that were asked for so far."""

    entries: list[bytes] = field(default_factory=list[bytes])
    names: dict[int, str | None] = field(default_factory=dict[int, "str | None"])


class Definitions:
    """Every entry of every live segment; bounded by the size of their definition areas."""

    def __init__(self, known: Mapping[int, _Known]) -> None:
        self._known = dict(known)

    @classmethod
    def load(cls, main: sqlite3.Connection) -> Definitions:
        known: dict[int, _Known] = {}
        for segment, entry in main.execute("SELECT segment, entry FROM definitions ORDER BY segment, number"):
            known.setdefault(segment, _Known()).entries.append(entry)
        return cls(known)

    def counts(self) -> dict[int, int]:
        return {segment: len(known.entries) for segment, known in self._known.items()}

    def learn(self, segment: int, first: int, entries: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Take in ``entries`` numbered from ``first`` on; the rows (segment, number, entry) that were not known.

        Raises ValueError when entries between the known ones and ``first`` are missing.
        """
        known = self._known.setdefault(segment, _Known())
        have = len(known.entries)
        if first > have + 1:
            raise ValueError(f"segment {segment} has {have} definitions stored: entry {first} cannot follow")
        fresh = entries[have + 1 - first :]
        known.entries.extend(fresh)
        known.names.clear()
        return [(segment, number, entry) for number, entry in enumerate(fresh, have + 1)]

    def rows(self, segment: int, after: int) -> list[tuple[int, int, bytes]]:
        """The rows of all entries of ``segment`` beyond the first ``after``."""
        entries = self._known[segment].entries[after:] if segment in self._known else []
        return [(segment, number, entry) for number, entry in enumerate(entries, after + 1)]

    def count(self, segment: int) -> int:
        return len(self._known[segment].entries) if segment in self._known else 0

    def name(self, segment: int, site: int) -> str | None:
        """The name, qualified name or template that ``site`` stands for; None where nothing valid is defined."""
        known = self._known.get(segment)
        if known is None:
            return None
        if site not in known.names:
            definition = _decode(known.entries, site)
            known.names[site] = definition.name if definition else None
        return known.names[site]

    def find(self, segment: int, site: int) -> Definition | None:
        """What ``site`` stands for; None where nothing valid is defined."""
        known = self._known.get(segment)
        return _decode(known.entries, site) if known else None

    def forget(self, segment: int) -> None:
        self._known.pop(segment, None)


def _decode(entries: Sequence[bytes], site: int) -> Definition | None:
    if not 0 < site <= len(entries):
        return None
    try:
        return decode_definition(entries[site - 1])
    except WireError:
        return None
