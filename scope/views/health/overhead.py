"""What tracing costs: the traced processes, and the collector beside them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ...model.shedding import left_out
from ..collector_status import is_running, read_status
from .check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...config import Config
    from ..collector_status import CollectorStatus, GovernedProcess

__all__ = ["check_overhead"]


def check_overhead(config: Config) -> Check:
    """As the collector that runs has counted; without one nobody counts, and nothing is left out."""
    status = read_status(config) if is_running(config) else None
    if status is None or not status.workers_cpu_ns:
        return Check("overhead", "ok", "not known yet: a collector counts it while processes are traced")
    budget = config.governor.budget_percent
    workers = 100 * status.tracing_ns / status.workers_cpu_ns
    collector = 100 * status.cpu_ns / status.workers_cpu_ns
    summary = (
        f"tracing takes {workers:.2f} % of the CPU of the traced processes (budget {_budget(config)}),"
        f" the collector {collector:.2f} % of as much beside them"
    )
    facts = {
        "budget_percent": budget if config.governor.enabled else None,
        "tracing_ns": status.tracing_ns,
        "workers_cpu_ns": status.workers_cpu_ns,
        "collector_cpu_ns": status.cpu_ns,
        "governed": [asdict(each) for each in status.governed],
    }
    details = tuple(_details(status, budget / 100))
    return Check("overhead", "warning" if status.governed else "ok", summary, details, facts)


def _budget(config: Config) -> str:
    return f"{config.governor.budget_percent:g} %" if config.governor.enabled else "none"


def _details(status: CollectorStatus, budget: float) -> Iterator[str]:
    for each in status.governed:
        yield f"process {each.pid}: traces leave out {left_out(each.level)}; {_now(each, budget)}"


def _now(process: GovernedProcess, budget: float) -> str:
    now = f"tracing takes {100 * process.share:.1f} % of its CPU now"
    if process.boundaries <= budget:
        return now
    return f"{now}, and cannot get below {100 * process.boundaries:.1f} %: boundaries of requests, spans and steps"
