"""What was found about one part of the whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Check", "Status"]

Status: TypeAlias = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Check:
    """``summary`` is a sentence without a stop; ``details`` are lines that explain it or say what to do.

    ``facts`` are the same for programs: what JSON can hold, times and durations in nanoseconds.
    """

    name: str
    status: Status
    summary: str
    details: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
