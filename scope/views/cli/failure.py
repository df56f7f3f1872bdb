"""What a failure says to people and to the shell; imported only once there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...config import ConfigError
from ...store import Ambiguous, FilterError, StoreUnavailable
from ..format import safe_text
from .group import UNAVAILABLE

if TYPE_CHECKING:
    from ...errors import ScopeError

__all__ = ["exit_code", "message"]

_NOT_UNDERSTOOD = 2


def exit_code(error: ScopeError) -> int:
    if isinstance(error, ConfigError | FilterError):
        return _NOT_UNDERSTOOD
    return UNAVAILABLE if isinstance(error, StoreUnavailable) else 1


def message(error: ScopeError) -> str:
    """The error's own words, and what helps to act on it: the place in a filter, the requests an id may mean."""
    lines = [safe_text(str(error))]
    if isinstance(error, FilterError):
        lines += [f"  {safe_text(each)}" for each in error.pointer().splitlines()]
    if isinstance(error, Ambiguous):
        lines += [f"  {safe_text(f'{each.id}  {each.method} {each.path}')}" for each in error.candidates]
    return "\n".join(lines)
