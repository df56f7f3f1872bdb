"""What a Plan decides about a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .condition import Condition
    from .level import Level

MOST_CASES: Final = 4
"""Conditions of one function; of more, those of the last rules count."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How deep a function is recorded: in a request that meets the condition of a case as the first of these says.

    In others it is ``level``. False where it is not recorded in any. Its local variables are wanted as they are where
    the statement at each of ``lines`` begins, or the next one of its own.
    """

    level: Level
    cases: tuple[tuple[Condition, Level], ...] = ()
    lines: tuple[int, ...] = ()

    @property
    def deepest(self) -> Level:
        """The level that no call goes beyond."""
        return max([self.level, *(level for _, level in self.cases)])

    def __bool__(self) -> bool:
        return bool(self.level) or any(level for _, level in self.cases)
