"""What a failure says to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..store import Ambiguous, FilterError
from .format import safe_text

if TYPE_CHECKING:
    from ..errors import ScopeError

__all__ = ["failure_text"]


def failure_text(error: ScopeError) -> str:
    """The error's own words, and what helps to act on it: the place in a filter, the requests an id may mean."""
    lines = [safe_text(str(error))]
    if isinstance(error, FilterError):
        lines += [f"  {safe_text(each)}" for each in error.pointer().splitlines()]
    if isinstance(error, Ambiguous):
        lines += [f"  {safe_text(f'{each.id}  {each.method} {each.path}')}" for each in error.candidates]
    return "\n".join(lines)
