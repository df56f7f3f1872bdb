"""The collector: whether it runs, keeps up and has nothing to complain of."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ..collector_status import is_running, read_status
from ..format import format_bytes, format_duration
from .check import Check

if TYPE_CHECKING:
    from ...config import Config
    from ..collector_status import CollectorStatus

__all__ = ["check_collector"]

_SILENT_NS = 10_000_000_000
_LAG_NS = 5_000_000_000


def check_collector(config: Config, now_ns: int) -> Check:
    """A directory without a collector is worth a warning: requests are traced, and wait to be drained."""
    running, status = is_running(config), read_status(config)
    facts = {"running": running, **(asdict(status) if status else {})}
    if not running:
        advice = "scope collect starts one; scope collect --once drains what is there"
        details = (advice, *((f"the last one ended with: {status.error}",) if status and status.error else ()))
        return Check("collector", "warning", "none is running", details, facts)
    if status is None:
        return Check("collector", "warning", "running, but it has not said how it is doing", facts=facts)
    problems = tuple(_problems(status, now_ns))
    return Check("collector", "failure" if problems else "ok", _summary(status, now_ns), problems, facts)


def _summary(status: CollectorStatus, now_ns: int) -> str:
    lifetime_ns = max(now_ns - status.started_ns, 1)
    return (
        f"pid {status.pid}, {100 * status.cpu_ns / lifetime_ns:.1f} % of a processor, {format_bytes(status.rss_bytes)},"
        f" {format_duration(status.lag_ns)} behind, {status.segments} segments,"
        f" {status.requests} requests from {status.events} events"
    )


def _problems(status: CollectorStatus, now_ns: int) -> list[str]:
    problems: list[str] = []
    if status.error:
        problems.append(status.error)
    if now_ns - status.updated_ns > _SILENT_NS:
        problems.append(f"it has been silent for {format_duration(now_ns - status.updated_ns)}: is it stopped?")
    if status.lag_ns > _LAG_NS:
        problems.append("it does not keep up: give it more of a processor, or trace less")
    return problems
