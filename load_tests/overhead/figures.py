"""A measured figure: the median of several processes, with its spread, its noise and its limit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of several processes, and what to judge it by.

    ``value`` is the median of ``processes``, one value each. ``noise`` is the same statistic of the baseline against
    itself, ``baseline`` what the untraced side took; both None where there is none. ``limit`` is the most allowed.
    """

    unit: str
    value: float
    processes: tuple[float, ...]
    baseline: float | None = None
    noise: float | None = None
    limit: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the value is within the limit; None without a limit."""
        return None if self.limit is None else self.value <= self.limit

    def as_json(self) -> dict[str, object]:
        fields = {name: _rounded(value) for name, value in asdict(self).items() if value is not None}
        return fields if self.met is None else {**fields, "met": self.met}


def figure(
    unit: str,
    processes: Sequence[float],
    *,
    baseline: Sequence[float] | None = None,
    noise: Sequence[float] | None = None,
    limit: float | None = None,
) -> Figure:
    """The figure of values from several processes."""
    return Figure(
        unit=unit,
        value=median(processes),
        processes=tuple(processes),
        baseline=median(baseline) if baseline else None,
        noise=median(noise) if noise else None,
        limit=limit,
    )


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, tuple):
        return [_rounded(item) for item in value]
    return value
