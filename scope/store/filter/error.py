"""What is wrong with a filter, and where."""

from __future__ import annotations

from ...errors import ScopeError

__all__ = ["FilterError"]


class FilterError(ScopeError):
    """A filter that cannot be understood.

    ``position`` is the index in ``text`` of the ``length`` characters that the message is about.
    """

    def __init__(self, message: str, text: str, position: int, length: int = 1) -> None:
        super().__init__(f"{message} (at character {position + 1} of the filter)")
        self.text = text
        self.position = position
        self.length = max(length, 1)

    def pointer(self) -> str:
        """The filter with a line below it that marks the place."""
        before = self.text[: self.position].expandtabs(1)
        return f"{self.text.expandtabs(1)}\n{' ' * len(before)}{'^' * self.length}"
