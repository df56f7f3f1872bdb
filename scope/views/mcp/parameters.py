"""What several tools ask for, with the bounds and the words that an agent is told of it."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

__all__ = ["Conditions", "Limit", "Lines", "Reference", "Since", "Sort"]

Conditions: TypeAlias = Annotated[
    str,
    Field(
        max_length=1000,
        description="Conditions side by side are AND: route:/users/{id} status>=500 dur>200ms loopwait>50ms"
        " err:Timeout* -path:/health; also OR, parentheses, globs; empty for all",
    ),
]
Reference: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="An id, any unique beginning of one, @last, @slowest or @last-error",
    ),
]
Since: TypeAlias = Annotated[
    str,
    Field(max_length=40, description="Only since then: 15m, 2h, 7d ago, or an ISO date; everything where it is empty"),
]
Limit: TypeAlias = Annotated[int, Field(ge=1, le=100, description="At most so many")]
Lines: TypeAlias = Annotated[int, Field(ge=10, le=1000, description="At most so many lines of text")]
Sort: TypeAlias = Literal["start", "dur", "loop_wait", "longest_step", "status", "spans", "errors", "lost"]
