"""Columns of text, aligned; on a terminal the flexible one gives way so that the others fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .lines import Line, Piece, cell_width, clip, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Column", "table_lines"]

_GAP = "  "
_LEAST = 12


@dataclass(frozen=True, slots=True)
class Column:
    """``right`` aligns numbers; ``flexible`` marks the one column that may be cut."""

    title: str
    right: bool = False
    flexible: bool = False


def table_lines(columns: Sequence[Column], rows: Sequence[Sequence[Piece]], width: int | None = None) -> Iterator[Line]:
    """A line of titles and one a row; every row has a piece for each column. Without a width nothing is cut."""
    titles = [Piece(column.title, "dim") for column in columns]
    widths = [max(cell_width(row[number].text) for row in (titles, *rows)) for number in range(len(columns))]
    if width is not None:
        widths = _fitted(columns, widths, width)
    for row in (titles, *rows):
        yield line(*_cells(columns, row, widths))


def _fitted(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    return [
        max(own - max(excess, 0), min(own, _LEAST)) if column.flexible else own
        for column, own in zip(columns, widths, strict=True)
    ]


def _cells(columns: Sequence[Column], row: Sequence[Piece], widths: Sequence[int]) -> Iterator[Piece]:
    for number, (column, piece, width) in enumerate(zip(columns, row, widths, strict=True)):
        text = clip(piece.text, width) if column.flexible else piece.text
        blanks = Piece(" " * (width - cell_width(text)))
        shown = Piece(text, piece.role)
        yield from (Piece(_GAP if number else ""), *((blanks, shown) if column.right else (shown, blanks)))
