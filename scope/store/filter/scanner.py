"""The characters of a filter, taken piece by piece; every failure names its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from .error import FilterError

__all__ = ["Piece", "Scanner"]

_SPACE = re.compile(r"\s*")
_OPERATOR = re.compile(r"\s*(!=|>=|<=|[:=<>])\s*")
_NAME = re.compile(r"[\w.@/-]*")
_WORD = re.compile(r"\S+")
_OR = re.compile(r"OR(?=[\s()]|$)")
_QUOTES = "\"'"


@dataclass(frozen=True, slots=True)
class Piece:
    """A name or a value as written, with its place; ``literal`` when it stood in quotes."""

    text: str
    position: int
    length: int
    literal: bool = False


class Scanner:
    """A position in a text that only moves forward."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def fail(self, message: str, piece: Piece | None = None) -> NoReturn:
        if piece is None:
            raise FilterError(message, self.text, self.position)
        raise FilterError(message, self.text, piece.position, piece.length)

    def at_end(self) -> bool:
        """Skip white space and tell whether anything is left."""
        self._take(_SPACE)
        return self.position >= len(self.text)

    def next_is(self, characters: str) -> bool:
        return self.position < len(self.text) and self.text[self.position] in characters

    def accept(self, character: str) -> bool:
        """Take ``character`` if it is next."""
        taken = self.next_is(character)
        self.position += taken
        return taken

    def accept_or(self) -> bool:
        """Take the word OR if it is next, after white space."""
        self._take(_SPACE)
        return self._take(_OR) is not None

    def name(self) -> Piece:
        """A field's name; the part after its first dot may stand in quotes."""
        start = self.position
        name = (self._take(_NAME) or "").strip()
        if name.endswith(".") and self.next_is(_QUOTES):
            name += self._quoted()
        return Piece(name, start, self.position - start)

    def operator(self) -> str | None:
        """An operator, white space around it skipped; None (and no move) where there is none."""
        match = _OPERATOR.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        return match[1]

    def word(self) -> Piece:
        """Everything up to white space, for a message."""
        match = _WORD.match(self.text, self.position)
        return Piece(match[0], match.start(), len(match[0])) if match else Piece("", self.position, 1)

    def value(self) -> Piece:
        """A value in quotes, or one up to white space or a parenthesis that is not its own."""
        start = self.position
        if self.next_is(_QUOTES):
            text = self._quoted()
            return Piece(text, start, self.position - start, literal=True)
        depth = 0
        while self.position < len(self.text) and not self.text[self.position].isspace():
            depth += {"(": 1, ")": -1}.get(self.text[self.position], 0)
            if depth < 0:
                break
            self.position += 1
        return Piece(self.text[start : self.position], start, self.position - start)

    def _quoted(self) -> str:
        start, quote = self.position, self.text[self.position]
        characters: list[str] = []
        self.position += 1
        while not self.accept(quote):
            if self.position >= len(self.text):
                self.fail(f"the quotation that begins here lacks its closing {quote}", Piece("", start, 1))
            if self.text[self.position] == "\\" and self.text[self.position + 1 : self.position + 2] in {quote, "\\"}:
                self.position += 1
            characters.append(self.text[self.position])
            self.position += 1
        return "".join(characters)

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        return match[0]
