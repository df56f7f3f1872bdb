"""Time drawn in character cells: a scale, the axis above it, and bars finer than a cell.

A bar begins on half cells and ends on eighths, and is never invisible: the shortest takes an eighth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .lines import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .lines import Role

__all__ = ["Scale", "Strip"]

_EIGHTHS = "▏▎▍▌▋▊▉█"
_RIGHT_HALF = "▐"
_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns"))
_TICK_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class Scale:
    """``columns`` cells for ``total_ns`` nanoseconds from ``start_ns``."""

    start_ns: int
    total_ns: int
    columns: int

    def eighth(self, time_ns: int) -> int:
        """The eighth of a cell in which ``time_ns`` falls, within the scale."""
        eighths = self.columns * 8
        return min(max((time_ns - self.start_ns) * eighths // max(self.total_ns, 1), 0), eighths)

    def column(self, time_ns: int) -> int:
        return min(self.eighth(time_ns) // 8, self.columns - 1)

    def shares(self, start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
        """Each cell that the time is in, and how many nanoseconds of the time are in that cell."""
        for column in range(self.column(start_ns), self.column(max(end_ns - 1, start_ns)) + 1):
            begin_ns, next_ns = (self.start_ns + self.total_ns * at // self.columns for at in (column, column + 1))
            yield column, max(min(end_ns, next_ns) - max(start_ns, begin_ns), 0)

    def axis(self) -> str:
        """Round times where they fall, none on top of another."""
        text = ""
        step_ns = self._step_ns()
        unit_ns, unit = next((size, name) for size, name in _UNITS if step_ns >= size)
        for time_ns in range(0, self.total_ns + 1, step_ns):
            label = f"{time_ns / unit_ns:g} {unit}" if time_ns else "0"
            column = self.column(self.start_ns + time_ns)
            if column + len(label) <= self.columns:
                text = f"{text:<{column}}{label}"
        return text

    def _step_ns(self) -> int:
        """The least of 1, 2 or 5 times a power of ten that leaves room for the labels."""
        least_ns = self.total_ns * _TICK_COLUMNS // self.columns
        power = 1
        while power * 10 <= least_ns:
            power *= 10
        return next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor >= least_ns)


class Strip:
    """One row of cells to paint on; what is painted later lies on top."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self._cells: list[Piece | None] = [None] * scale.columns

    def bar(self, start_ns: int, end_ns: int, role: Role) -> None:
        """A solid bar."""
        start = min(self.scale.eighth(start_ns), self.scale.columns * 8 - 1)
        end = max(self.scale.eighth(end_ns), start + 1)
        first, last = start // 8, (end - 1) // 8
        for column in range(first, last + 1):
            begins, ends = max(start - column * 8, 0), min(end - column * 8, 8)
            self._cells[column] = Piece(_block(begins, ends), role)

    def texture(self, start_ns: int, end_ns: int, character: str, role: Role, *, tip: str = "") -> None:
        """A bar of whole cells of one ``character``, the last of them ``tip``."""
        first, last = self.scale.column(start_ns), self.scale.column(max(end_ns - 1, start_ns))
        for column in range(first, last + 1):
            self._cells[column] = Piece(tip if tip and column == last else character, role)

    def cell(self, column: int, character: str, role: Role) -> None:
        """One cell."""
        self._cells[column] = Piece(character, role)

    def mark(self, time_ns: int, character: str, role: Role) -> None:
        self._cells[self.scale.column(time_ns)] = Piece(character, role)

    def extent(self) -> tuple[int, int]:
        """The first column painted and the one after the last."""
        painted = [column for column, cell in enumerate(self._cells) if cell is not None]
        return (painted[0], painted[-1] + 1) if painted else (0, 0)

    def pieces(self, first: int = 0, last: int | None = None) -> Iterator[Piece]:
        """The cells from ``first`` to before ``last``, runs of one role joined."""
        run = ""
        role: Role = "text"
        for cell in self._cells[first:last]:
            here = cell or Piece(" ")
            if here.role != role and run:
                yield Piece(run, role)
                run = ""
            run, role = run + here.text, here.role
        if run:
            yield Piece(run, role)


def _block(begins: int, ends: int) -> str:
    """The block for the eighths from ``begins`` to ``ends`` of a cell; Unicode has halves only on the right."""
    return _RIGHT_HALF if begins >= 4 else _EIGHTHS[ends - 1]
