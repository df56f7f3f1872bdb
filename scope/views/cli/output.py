"""Where lines go: a terminal, which gets colours and lines no wider than itself, or a pipe, which gets all the text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from ..lines import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..lines import Line

__all__ = ["Output", "open_output"]


class Output(Protocol):
    """Takes lines and draws them."""

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None where lines may have any length."""

    def lines(self, lines: Iterable[Line]) -> None: ...

    def text(self, lines: Iterable[str]) -> None:
        """Write text that is made for programs (JSON, Markdown): never coloured, never cut."""


class Pipe:
    """Everything in full, without colour."""

    width: int | None = None

    def lines(self, lines: Iterable[Line]) -> None:
        self.text(map(plain, lines))

    def text(self, lines: Iterable[str]) -> None:
        for line in lines:
            sys.stdout.write(f"{line}\n")


def open_output() -> Output:
    """What standard output is; the means to draw are loaded for a terminal only."""
    if not sys.stdout.isatty():
        return Pipe()
    from .terminal import Terminal

    return Terminal()
