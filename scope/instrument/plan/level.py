"""How deep a function is probed."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """Each level records what those below it record, and more.

    An engine that cannot record a level yet takes the deepest that it can.
    """

    OFF = 0
    TIMING = 1
    """Entry, exit and outcome of each call."""
    VALUES = 2
    """Arguments and results as well."""
    LOCALS = 3
    """Local variables as well."""
    LINES = 4
    """The lines that ran as well."""

    @property
    def word(self) -> str:
        """As it is written in rules."""
        return self.name.lower()
