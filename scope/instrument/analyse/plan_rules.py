"""A proposed plan as rules: as few as say the same, general ones first, each with the functions that it decides.

The functions stand in a tree of packages, modules, classes and functions. A rule at a node is for all below it, up to
the next rule, so from the leaves up it is counted how many rules a node needs if what is above it says timing, off or
nothing; from the root down the fewest are taken. What no route leads to is not in the tree: it goes with its module.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ..plan import Candidate, Level, Rule, RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .functions import Function
    from .proposal import Proposed

__all__ = ["PlanRule", "plan_rules"]

_LEVELS: Final[Mapping[str, Level]] = {"timing": Level.TIMING, "off": Level.OFF}


@dataclass(frozen=True, slots=True)
class PlanRule:
    """A rule, and the functions of the plan about which it has the last word."""

    rule: Rule
    decides: tuple[Proposed, ...]


def plan_rules(plan: Iterable[Proposed]) -> list[PlanRule]:
    """Rules by which a Plan decides about every function of ``plan`` as that proposes, in the order that it needs.

    A function whose module has a name that no rule can hold, such as ``my-script``, has none.
    """
    nameable = [each for each in plan if _is_nameable(each.function)]
    root = _Node("")
    for each in nameable:
        root.place(each)
    rules = list(root.rules(None))
    rules += _corrections(nameable, rules)
    decided: dict[int, list[Proposed]] = {}
    for each in nameable:
        decided.setdefault(_last_match(each.function, rules), []).append(each)
    return [PlanRule(rule, tuple(decided[index])) for index, rule in enumerate(rules) if index in decided]


def _is_nameable(function: Function) -> bool:
    try:
        Rule(f"{function.module}:{function.qualname}", Level.OFF)
    except RuleError:
        return False
    return True


def _last_match(function: Function, rules: list[Rule]) -> int:
    """The index of the rule that decides about ``function``; -1 where none does."""
    candidate = Candidate(function.module, function.qualname)
    matching = (index for index in range(len(rules) - 1, -1, -1) if rules[index].matches(candidate))
    return next(matching, -1)


def _corrections(plan: Iterable[Proposed], rules: list[Rule]) -> Iterator[Rule]:
    """For what a rule takes in by its name that stands elsewhere in the tree: a function called like a module.

    Outer functions come first, since a correction takes in what is within, too.
    """
    for each in sorted(plan, key=lambda each: each.function.qualname.count(".")):
        last = _last_match(each.function, rules)
        if last < 0 or rules[last].level is not _LEVELS[each.level]:
            yield Rule(f"{each.function.module}:{each.function.qualname}", _LEVELS[each.level])


@dataclass(slots=True)
class _Node:
    """``pattern`` names the node; ``own`` is what its function shall have, if it is one that the plan is about."""

    pattern: str
    own: Level | None = None
    below: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    needed: dict[Level | None, int] = field(default_factory=dict["Level | None", int])

    def place(self, proposed: Proposed) -> None:
        at = self
        for part in proposed.function.module.split("."):
            at = at.child(part, "." if at.pattern else "")
        joint = ":"
        for part in proposed.function.qualname.split("."):
            at = at.child(part, joint)
            joint = "."
        at.own = _LEVELS[proposed.level]

    def child(self, part: str, joint: str) -> _Node:
        """A module and what is within one are kept apart by the joint before the name."""
        key = joint.strip(".") + part
        if key not in self.below:
            self.below[key] = _Node(f"{self.pattern}{joint}{part}")
        return self.below[key]

    def rules(self, above: Level | None) -> Iterator[Rule]:
        """The fewest rules for the node and all below it, where ``above`` is what goes for it without."""
        level = self.best(above)
        if level is not above and level is not None:
            yield Rule(self.pattern, level)
        for child in self.below.values():
            yield from child.rules(level)

    def best(self, above: Level | None) -> Level | None:
        """The level to have at the node; that of above where another one saves nothing."""
        choices = (above, *(level for level in (Level.TIMING, Level.OFF) if level is not above and self.pattern))
        return min(choices, key=lambda level: self.count(level) + (level is not above))

    def needs(self, above: Level | None) -> int:
        """How many rules it takes for the node and all below it."""
        level = self.best(above)
        return self.count(level) + (level is not above)

    def count(self, level: Level | None) -> int:
        """How many rules it takes below the node if ``level`` goes for it; more than any number where that is wrong."""
        if self.own not in {None, level}:
            return sys.maxsize // 2
        if level not in self.needed:
            self.needed[level] = sum(child.needs(level) for child in self.below.values())
        return self.needed[level]
