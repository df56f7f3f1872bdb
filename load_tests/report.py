"""What a driver saw: every request it sent, by what it was for."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One request as its sender saw it; ``status`` is NO_ANSWER where none came, ``id`` its X-Request-ID."""

    id: str
    action: str
    status: int
    expected: bool
    start_ns: int
    duration_ns: int


@dataclass(frozen=True, slots=True)
class ActionReport:
    """All requests of one kind; quantiles in nanoseconds."""

    action: str
    requests: int
    statuses: dict[int, int]
    unexpected: int
    p50_ns: int
    p95_ns: int
    max_ns: int


@dataclass(frozen=True, slots=True)
class Report:
    """A run. ``slowest_id`` is the X-Request-ID of the slowest answered request, empty if there was none."""

    base_url: str
    seconds: float
    requests: int
    answered: int
    unexpected: int
    slowest_id: str
    actions: tuple[ActionReport, ...]
    samples: tuple[Sample, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Everything but the samples, for ``json.dumps``."""
        summary = asdict(self)
        del summary["samples"]
        return summary

    def lines(self) -> list[str]:
        """A table for people."""
        head = f"{'action':<12}{'requests':>9}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}  statuses"
        rows = [_row(action) for action in self.actions]
        total = (
            f"{self.requests} requests in {self.seconds:.1f} s, {self.requests / self.seconds:.0f} a second; "
            f"{self.unexpected} answered otherwise than expected"
        )
        return [head, *rows, total]


def summarise(base_url: str, seconds: float, samples: Sequence[Sample]) -> Report:
    """Add up what was seen."""
    by_action: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_action[sample.action].append(sample)
    answered = [sample for sample in samples if sample.status != NO_ANSWER]
    slowest = max(answered, key=lambda sample: sample.duration_ns, default=None)
    return Report(
        base_url=base_url,
        seconds=seconds,
        requests=len(samples),
        answered=len(answered),
        unexpected=sum(not sample.expected for sample in samples),
        slowest_id=slowest.id if slowest else "",
        actions=tuple(_action(name, group) for name, group in sorted(by_action.items())),
        samples=tuple(samples),
    )


def quantile(values: Iterable[int], share: float) -> int:
    """The smallest value that at least ``share`` of all values do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0


def _action(name: str, samples: Sequence[Sample]) -> ActionReport:
    durations = [sample.duration_ns for sample in samples]
    statuses: defaultdict[int, int] = defaultdict(int)
    for sample in samples:
        statuses[sample.status] += 1
    return ActionReport(
        action=name,
        requests=len(samples),
        statuses=dict(sorted(statuses.items())),
        unexpected=sum(not sample.expected for sample in samples),
        p50_ns=quantile(durations, 0.5),
        p95_ns=quantile(durations, 0.95),
        max_ns=max(durations),
    )


def _row(action: ActionReport) -> str:
    milliseconds = "".join(f"{ns / 1e6:>9.1f}" for ns in (action.p50_ns, action.p95_ns, action.max_ns))
    statuses = " ".join(f"{status or 'none'}:{count}" for status, count in action.statuses.items())
    return f"{action.action:<12}{action.requests:>9}{milliseconds}  {statuses}"
