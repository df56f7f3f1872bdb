"""What a failure is to the shell; imported only once there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...config import ConfigError
from ...store import FilterError, StoreUnavailable
from .group import UNAVAILABLE

if TYPE_CHECKING:
    from ...errors import ScopeError

__all__ = ["exit_code"]

_NOT_UNDERSTOOD = 2


def exit_code(error: ScopeError) -> int:
    if isinstance(error, ConfigError | FilterError):
        return _NOT_UNDERSTOOD
    return UNAVAILABLE if isinstance(error, StoreUnavailable) else 1
