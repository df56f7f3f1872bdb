"""Options of ``scope probe`` that say more of its rules: how deep, and in which requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...instrument.plan import Condition, Rule

__all__ = ["Narrowed", "narrowing_options"]

_LEVELS: Final = ("off", "timing", "values", "locals", "lines")


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the options said; None and False where they were not given."""

    level: str | None
    route: str | None
    id: str | None
    is_next: bool

    @property
    def says_something(self) -> bool:
        """Whether any of them was given."""
        return self.is_next or any(each is not None for each in (self.level, self.route, self.id))

    def rules(self, texts: tuple[str, ...]) -> list[Rule]:
        """The rules, each as it says itself and then as the options do. Raises RuleError, and UsageError."""
        condition = self._condition()
        return [self._rule(text, condition) for text in texts]

    def _condition(self) -> Condition | None:
        from ...instrument.plan import Criteria
        from ..tickets import new_ticket

        parts = [
            *([f"route:{self.route}"] if self.route is not None else []),
            *([f"id:{self.id}"] if self.id is not None else []),
            *([f"next:{new_ticket()}"] if self.is_next else []),
        ]
        return Criteria.parse(" and ".join(parts)).condition if parts else None

    def _rule(self, text: str, condition: Condition | None) -> Rule:
        from ...instrument.plan import Level, Rule

        rule = Rule.parse(text)
        if self.level is not None and "=" not in text.partition(" if ")[0]:
            rule = replace(rule, level=Level[self.level.upper()])
        if condition is None:
            return rule
        if rule.criteria.condition is not None:
            raise click.UsageError(f"{text!r} says itself which requests it is about: leave out --route, --id, --next")
        return replace(rule, criteria=replace(rule.criteria, condition=condition))


_OPTIONS: Final = (
    click.option("--level", type=click.Choice(_LEVELS), help="How deep, where RULE does not say: timing unless given."),
    click.option("--route", metavar="ROUTE", help="Only in requests of that route: '/items/{id}', 'GET /items/*'."),
    click.option("--id", "request_id", metavar="ID", help="Only in the request with that correlation id or trace id."),
    click.option("--next", "is_next", is_flag=True, help="Only in the next request that calls one of the functions."),
)


def narrowing_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options, given to the command as ``narrowed``."""

    @wraps(command)
    def with_options(
        *args: Any, level: str | None, route: str | None, request_id: str | None, is_next: bool, **rest: Any
    ) -> int:
        return command(*args, narrowed=Narrowed(level, route, request_id, is_next), **rest)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options
