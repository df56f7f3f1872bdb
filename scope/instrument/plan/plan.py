"""The Plan itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .decision import MOST_CASES, Decision
from .level import Level

if TYPE_CHECKING:
    from .candidate import Candidate
    from .condition import Condition
    from .ownership import Ownership
    from .rule import Rule


@dataclass(frozen=True, slots=True)
class Plan:
    """What to probe, and how deep.

    What is the application's own, and not minor, starts at ``own_level``, everything else at off. Of the ``rules`` that
    match a function the last one decides, as in a ``.gitignore``: general ones come first, exceptions after them.
    A rule that makes a condition decides in requests that meet it.
    """

    rules: tuple[Rule, ...] = ()
    ownership: Ownership | None = None
    own_level: Level = Level.TIMING

    def decide(self, candidate: Candidate) -> Decision:
        """How deep ``candidate`` is probed, in which requests."""
        cases: dict[Condition, Level] = {}
        lines: set[int] = set()
        for rule in reversed(self.rules):
            if rule.matches(candidate):
                lines.update(rule.lines)
                if rule.criteria.condition is None:
                    return _decision(rule.level, cases, lines)
                cases.setdefault(rule.criteria.condition, rule.level)
        return _decision(self.own_level if candidate.is_owned and not candidate.is_minor else Level.OFF, cases, lines)

    def level(self, candidate: Candidate) -> Level:
        """How deep ``candidate`` is probed in a request that no rule is made for."""
        return self.decide(candidate).level

    @property
    def asks_complexity(self) -> bool:
        """Whether a candidate's complexity makes a difference."""
        return any(rule.criteria.complexity for rule in self.rules)

    @property
    def conditions(self) -> frozenset[Condition]:
        """All that rules make."""
        return frozenset(rule.criteria.condition for rule in self.rules if rule.criteria.condition is not None)

    def owns(self, module: str, file: str) -> bool:
        """Whether the module is the application's own."""
        return self.ownership is not None and self.ownership.owns(module, file)

    def concerns(self, module: str, file: str) -> bool:
        """Whether anything in the module might be probed. Told from its name: most modules are not looked at."""
        if module.partition(".")[0] == "scope":
            return False
        if self.own_level and self.owns(module, file):
            return True
        return any(rule.level and rule.may_match_in(module) for rule in self.rules)

    @property
    def digest(self) -> str:
        """16 hex digits that are the same for the same decisions, in every process and on every day."""
        parts = [self.own_level.word, *map(str, self.rules)]
        if self.ownership is not None:
            parts += [*self.ownership.folders, "", *sorted(self.ownership.packages)]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _decision(level: Level, cases: dict[Condition, Level], lines: set[int]) -> Decision:
    return Decision(level, tuple(cases.items())[:MOST_CASES], tuple(sorted(lines)))
