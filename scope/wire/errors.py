"""What is said of bytes that are not of the wire format."""

from __future__ import annotations

from ..errors import ScopeError


class WireError(ScopeError, ValueError):
    """Bytes that break the wire format: ``offset`` is where, counted from the start of what was read."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason
