"""The root of our errors."""

from __future__ import annotations


class ScopeError(Exception):
    """Anything that this package reports by raising; the message says what to do next."""
