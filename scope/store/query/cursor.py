"""Places in a list: where the next page begins, or where what was stored since begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ..errors import StoreError
from ..filter import FieldKind, lookup
from ..identity import signed

if TYPE_CHECKING:
    from ...model import RequestSummary

__all__ = ["Cursor", "sort_field"]

_NUMBERS = frozenset({FieldKind.COUNT, FieldKind.STATUS, FieldKind.BYTES, FieldKind.DURATION, FieldKind.TIME})


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place after one request; ``str`` gives its text and :meth:`parse` reads it.

    Of a list: the value that it is sorted by, and among equals the request's span id as SQLite stores it. Of the order
    of storing: the number of a block, and 0.
    """

    value: int
    tie: int = 0

    def __str__(self) -> str:
        return f"{self.value}.{self.tie}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises StoreError for what is no cursor's text."""
        value, _, tie = text.partition(".")
        try:
            return cls(int(value), int(tie))
        except ValueError:
            raise StoreError(f"{text!r} is no place in a list: leave it out to begin at the top") from None

    @classmethod
    def after(cls, request: RequestSummary, sort: str = "start") -> Self:
        """The place of ``request`` in a list sorted by ``sort``."""
        value: int | None = getattr(request, sort_field(sort))
        return cls(-1 if value is None else value, signed(int(request.span_id, 16)))


def sort_field(sort: str) -> str:
    """The field that the word ``sort`` (or its alias) means. Raises StoreError for what is no number of a request."""
    field = lookup(sort)
    if field is None or not field.stored or field.kind not in _NUMBERS:
        raise StoreError(f"requests cannot be sorted by {sort!r}: start, dur, status, spans and other numbers can")
    return field.name
