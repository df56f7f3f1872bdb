"""What a trace says of what was left out of it while tracing cost too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..model.shedding import left_out
from ..wire import fields

if TYPE_CHECKING:
    from ..model import Attributes, AttributeValue, Definition, Event

__all__ = ["told_by_ledger"]

_SAMPLED_OUT: Final = 1


def told_by_ledger(event: Event, account: Definition | None) -> Attributes:
    """Attributes of the root span; ``account`` names the functions that had lost their probes."""
    told: dict[str, AttributeValue] = {}
    if held_back := fields.number(event, "held_back"):
        told["scope.held_back_calls"] = held_back
    if level := fields.number(event, "level"):
        told["scope.shed"] = {**_shed(event, level), **(account.attributes if account is not None else {})}
    return told


def _shed(event: Event, level: int) -> dict[str, AttributeValue]:
    share = fields.number(event, "share") / 10
    shed: dict[str, AttributeValue] = {
        "level": level,
        "left_out": left_out(level),
        "because": f"tracing took {share:.1f} % of the CPU of its process",
    }
    if fields.number(event, "flags") & _SAMPLED_OUT:
        shed["sampled_out"] = True
    if taken_out := fields.number(event, "taken_out"):
        shed["taken_out"] = taken_out
    return shed
