"""Bundles: byte strings of equal length, written as one by ``_core.bundle`` without what they have in common.

A bundle of rows is the first row, then a mask with one bit per byte of a row (the lowest first, padded to a whole byte)
that is set where any row differs from the first, then for each bit that is set, in order, that byte of each row.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Bundle"]


class Bundle(NamedTuple):
    """One within ``data``, from ``start`` on: ``rows`` of ``size`` bytes each."""

    data: bytes
    start: int
    size: int
    rows: int

    @property
    def end(self) -> int:
        """Where it ends in ``data``."""
        return self._columns + self._mask.bit_count() * self.rows

    def row(self, index: int) -> bytes:
        """One of the rows as it was."""
        row = bytearray(self.data[self.start : self.start + self.size])
        mask = self._mask
        for byte in self.data[self._columns + index : self.end : self.rows]:
            lowest = mask & -mask
            row[lowest.bit_length() - 1] = byte
            mask ^= lowest
        return bytes(row)

    @property
    def _columns(self) -> int:
        return self.start + self.size + (self.size + 7) // 8

    @property
    def _mask(self) -> int:
        return int.from_bytes(self.data[self.start + self.size : self._columns], "little")
