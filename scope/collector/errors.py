"""What keeps a collector from running."""

from __future__ import annotations

from ..errors import ScopeError


class CollectorRuns(ScopeError):
    """Another collector holds the lock of the directory."""


class LockError(ScopeError):
    """The lock of the directory cannot be taken by anybody; the message says why."""
