"""Text to be drawn: lines of pieces, each with the role it plays.

The invariant that keeps terminals safe: a :class:`Piece` never holds a character that a terminal acts on, whatever text
it was made of. What a role looks like is decided where it is drawn.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from .format import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Line", "Piece", "Role", "cell_width", "clip", "line", "line_width", "plain"]

Role: TypeAlias = Literal[
    "text",
    "strong",
    "dim",
    "good",
    "warning",
    "error",
    "name",
    "number",
    "bar",
    "bar-error",
    "bar-background",
    "bar-open",
]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of printable characters in one role."""

    text: str
    role: Role = "text"

    def __post_init__(self) -> None:
        if not self.text.isprintable():
            object.__setattr__(self, "text", safe_text(self.text))


Line: TypeAlias = tuple[Piece, ...]


def line(*pieces: str | Piece) -> Line:
    """A line of ``pieces``; those given as text play no special role, empty ones are left out."""
    made = (piece if isinstance(piece, Piece) else Piece(piece) for piece in pieces)
    return tuple(piece for piece in made if piece.text)


def plain(pieces: Line) -> str:
    """The line without roles and trailing blanks."""
    return "".join(piece.text for piece in pieces).rstrip()


def line_width(pieces: Iterable[Piece]) -> int:
    return sum(cell_width(piece.text) for piece in pieces)


def cell_width(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def clip(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns, ending in an ellipsis where something was cut off."""
    if cell_width(text) <= width:
        return text
    kept: list[str] = []
    used = 1
    for character in text:
        used += _character_width(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + "…" if width > 0 else ""


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
