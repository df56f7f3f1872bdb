"""A proposed plan as a file of rules with remarks: what ``scope run --plan`` takes, and people read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..instrument.analyse import CALL_NS, plan_rules
from .format import format_duration, safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..instrument.analyse import Analysis, PlanRule, Proposed

__all__ = ["rules_file_lines"]

_COLUMN: Final = 40
_NAMED: Final = 3


def rules_file_lines(analysis: Analysis) -> Iterator[str]:
    """The file, line by line: what it rests on, then every rule with what it costs a request, or why it is off."""
    rules, routes = plan_rules(analysis.plan), len(analysis.routes)
    yield f"# What to record of {routes} routes, proposed by scope plan: the last rule that matches decides."
    if not rules:
        yield "# No route leads to a function that is known, so there is no rule: the defaults are in force."
        return
    yield f"# A recorded call is taken to cost {CALL_NS} ns. {_sum(analysis.plan)}"
    yield "# How often a function is called is measured where traces tell, else guessed: ten times for each loop."
    yield "# What no route leads to, as far as names tell, goes with its module."
    for each in rules:
        yield f"{each.rule!s:<{_COLUMN}}  # {safe_text(_remark(each))}"


def _sum(plan: Sequence[Proposed]) -> str:
    return f"A request that called everything that is timed would cost {format_duration(sum(_costs(plan)))} more."


def _costs(plan: Sequence[Proposed]) -> Iterator[int]:
    return (each.cost_ns for each in plan)


def _remark(rule: PlanRule) -> str:
    return _why_off(rule.decides) if rule.rule.level == 0 else _cost(rule.decides)


def _cost(decides: Sequence[Proposed]) -> str:
    costliest = max(decides, key=lambda each: each.cost_ns)
    most = f"{costliest.calls} {'call' if costliest.calls == 1 else 'calls'}, {costliest.basis}"
    cost = format_duration(sum(_costs(decides)))
    if len(decides) == 1:
        return f"{cost} a request: {most}"
    return f"{len(decides)} functions, {cost} a request; most of it {costliest.function.qualname}: {most}"


def _why_off(decides: Sequence[Proposed]) -> str:
    """Each reason with those that it is about."""
    by_reason: dict[str, list[Proposed]] = {}
    for each in decides:
        by_reason.setdefault(each.reason, []).append(each)
    return "; ".join(f"{reason}: {_names(group)}" for reason, group in by_reason.items())


def _names(group: Sequence[Proposed]) -> str:
    names = ", ".join(f"{each.function.qualname}{_often(each)}" for each in group[:_NAMED])
    return f"{names} and {len(group) - _NAMED} more" if len(group) > _NAMED else names


def _often(each: Proposed) -> str:
    return f" ({each.calls} calls, {each.basis})" if each.calls > 1 else ""
