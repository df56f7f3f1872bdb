"""Summaries made fit for SQLite, whatever the bytes of a damaged segment said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..batch import Summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..batch import Batch, LaneLoss

__all__ = ["sane"]

_MAX: Final = (1 << 63) - 1
_IDS: Final = frozenset({"span_id", "remote_parent"})
_ID_MASK: Final = (1 << 64) - 1


def sane(batch: Batch) -> Batch:
    """``batch`` with numbers that fit 64 bits and valid Unicode; used when it could not be stored as it is."""
    losses = {segment: _bounded(each) for segment, each in batch.losses.items()}
    lanes = {segment: [_bounded_row(row) for row in rows] for segment, rows in batch.lane_losses.items()}
    finished, unfinished = list(map(_row, batch.finished)), list(map(_row, batch.open))
    return replace(batch, finished=finished, open=unfinished, losses=losses, lane_losses=lanes)


def _bounded(losses: Mapping[str, int]) -> dict[str, int]:
    return {reason: min(events, _MAX) for reason, events in losses.items()}


def _bounded_row(row: LaneLoss) -> LaneLoss:
    lane, reason, events = row
    return lane, reason, min(events, _MAX)


def _row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_value(name, value) for name, value in zip(Summary._fields, row, strict=True))


def _value(name: str, value: Any) -> Any:
    if name in _IDS:
        return value & _ID_MASK
    if isinstance(value, int):
        return max(-_MAX, min(value, _MAX))
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
