"""Rollups: finished requests counted by minute and hour, endpoint and latency bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..batch import Columns
    from ..database import Row
    from .looks import Look

__all__ = ["MINUTE_NS", "Tally", "minute_rows", "tally"]

MINUTE_NS: Final = 60_000_000_000

_MAX: Final = 1 << 53
"""More bytes than anybody sends; what a damaged segment claims must not overflow the sums."""

Tally = dict["tuple[int, Look, int]", list[int]]
"""By minute, look and bin: requests, bytes in, bytes out."""


def tally(columns: Columns, looks: Sequence[Look], bins: Sequence[int]) -> Tally:
    """What the requests, whose looks and bins these are, add to the rollups."""
    minutes = [start // MINUTE_NS for start in columns.start_ns]
    totals: Tally = {}
    cells = zip(zip(minutes, looks, bins, strict=True), columns.bytes_in, columns.bytes_out, strict=True)
    for cell, received, sent in cells:
        total = totals.get(cell)
        if total is None:
            totals[cell] = [1, received, sent]
        else:
            total[0] += 1
            total[1] += received
            total[2] += sent
    return totals


def minute_rows(totals: Tally) -> list[Row]:
    """Rows of (minute, endpoint, bin, requests, failed, bytes in, bytes out): several looks are one endpoint's."""
    rows: dict[tuple[int, int, int], list[int]] = {}
    for (minute, look, number), (requests, received, sent) in totals.items():
        row = rows.setdefault((minute, look.endpoint, number), [0, 0, 0, 0])
        row[0] += requests
        row[1] += requests * look.failed
        row[2] += received
        row[3] += sent
    return [(*cell, *(min(value, _MAX) for value in row)) for cell, row in rows.items()]
