"""What is said of settings and directories that cannot be used."""

from __future__ import annotations

from ..errors import ScopeError

__all__ = ["ConfigError", "DirectoryError"]


class ConfigError(ScopeError):
    """A setting that is unknown or has a bad value; the message names both, where they came from and what is allowed.

    ``key`` is the name as it was given; ``source`` is "default", the path of a pyproject.toml, the name of an
    environment variable or "argument"; ``allowed`` describes good values; ``suggestion`` is a close match, if any.
    """

    def __init__(
        self, message: str, *, key: str, source: str, allowed: str = "", suggestion: str | None = None
    ) -> None:
        super().__init__(message)
        self.key = key
        self.source = source
        self.allowed = allowed
        self.suggestion = suggestion


class DirectoryError(ScopeError):
    """A directory that cannot be made, or that somebody else could write to; the message says how to mend it."""
