"""What running processes are asked to record for a while, as people look at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..config.probe_wishes import in_force, read_probe_wishes
from ..instrument.plan import Condition, Rule
from .tickets import holder_of

if TYPE_CHECKING:
    from ..config import Config
    from ..config.probe_wishes import ProbeWish

__all__ = ["Asked", "asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule in force; times in Unix nanoseconds. ``functions`` is its pattern, ``rule`` the whole as it is written.

    ``taken_by`` is the id of the only request, where one was asked for (``is_next``) and has come.
    """

    rule: str
    functions: str
    level: str
    complexity: int
    method: str | None
    route: str | None
    id: str | None
    is_next: bool
    taken_by: str | None
    until_ns: int
    left_ns: int


def asked(config: Config, now_ns: int) -> list[Asked]:
    """All that is in force, in order: the last one decides. Raises RuleError where the file holds what is no rule."""
    wishes = in_force(read_probe_wishes(config.probe_wishes_path), now_ns)
    return [_asked(wish, config.tickets_dir, now_ns) for wish in wishes]


def _asked(wish: ProbeWish, tickets_dir: str, now_ns: int) -> Asked:
    rule = Rule.parse(wish.rule)
    condition = rule.criteria.condition or Condition()
    ticket = condition.ticket
    return Asked(
        rule=wish.rule,
        functions=rule.text,
        level=rule.level.word,
        complexity=rule.criteria.complexity,
        method=condition.method,
        route=condition.route,
        id=condition.id,
        is_next=ticket is not None,
        taken_by=None if ticket is None else holder_of(tickets_dir, ticket),
        until_ns=wish.until_ns,
        left_ns=wish.until_ns - now_ns,
    )
