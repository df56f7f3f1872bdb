"""Lines on a terminal, drawn by Rich: its palette, its width; NO_COLOR and TERM are respected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..lines import Line, Role

__all__ = ["Terminal"]

_STYLES: Final[Mapping[Role, str]] = {
    "text": "",
    "strong": "bold",
    "dim": "dim",
    "good": "green",
    "warning": "yellow",
    "error": "bold red",
    "name": "",
    "number": "cyan",
    "bar": "blue",
    "bar-error": "red",
    "bar-background": "magenta",
    "bar-open": "yellow",
}


class Terminal:
    """Standard output as a terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)

    @property
    def width(self) -> int | None:
        return self._console.width

    def lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            text = Text(no_wrap=True, overflow="ellipsis")
            for piece in line:
                text.append(piece.text, _STYLES[piece.role] or None)
            self._console.print(text)

    def text(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._console.file.write(f"{line}\n")
