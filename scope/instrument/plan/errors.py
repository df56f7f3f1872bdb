"""What is wrong with a Plan."""

from __future__ import annotations

from ...errors import ScopeError


class RuleError(ScopeError, ValueError):
    """A rule that cannot be read; the message says what is wrong with it."""
