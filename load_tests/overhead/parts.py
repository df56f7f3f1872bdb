"""The parts of the measurement: each measures one thing in several processes and gives its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..processes import ROOT
from ..stack import isolated
from . import inprocess, load, served
from .figures import Figure, figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PACED_RATE = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: processes for each figure, rounds within each, seconds for a block of load.

    Everything is kept in ``directory``, but for the segments: they are in ``memory``, as they are in production. With
    ``pin`` servers have a processor of their own.
    """

    directory: Path
    memory: Path
    pin: bool
    processes: int = 5
    operation_rounds: int = 300
    request_rounds: int = 150
    sites: int = 3
    load_rounds: int = 10
    block_s: int = 1
    paced_rounds: int = 7
    paced_block_s: float = 1.0

    def settings(self, name: str) -> dict[str, str]:
        """Where the processes of one measurement keep their segments."""
        return {"SCOPE_SEGMENT_DIR": str(self.memory / name)}


def quick(directory: Path, memory: Path, *, pin: bool) -> Plan:
    """All parts within a minute."""
    return Plan(
        directory,
        memory,
        pin,
        processes=2,
        operation_rounds=60,
        request_rounds=40,
        sites=1,
        load_rounds=4,
        paced_rounds=3,
    )


def operations(plan: Plan) -> dict[str, Figure]:
    """Nanoseconds of single calls."""
    command = ("load_tests.overhead.operations", "--rounds", str(plan.operation_rounds))
    values = _from_children(command, plan)
    plain = values["plain_call"]
    noise = values["probed_call_noise"]
    return {
        "probed_call": figure("ns", values["probed_call"], baseline=plain, noise=noise, limit=120),
        "suppressed_call": figure("ns", values["suppressed_call"], baseline=plain, noise=noise),
        "call_outside_a_request": figure("ns", values["call_outside_a_request"], baseline=plain, noise=noise),
        "mark": figure("ns", values["mark"], noise=values["loop_noise"], limit=60),
        "span": figure("ns", values["span"], noise=values["loop_noise"]),
        "annotate": figure("ns", values["annotate"], noise=values["loop_noise"]),
    }


def requests_in_process(plan: Plan) -> dict[str, Figure]:
    """Microseconds of CPU that tracing adds to a request, as installed and by the middleware alone."""
    figures: dict[str, Figure] = {}
    for framework in ("fastapi", "starlette"):
        name = f"in_process_{framework}"
        figures[f"{name}_uvloop"] = _in_process(plan, framework, "uvloop")
        figures[f"{name}_asyncio"] = _in_process(plan, framework, "asyncio")
        figures[f"{name}_middleware"] = _in_process(plan, framework, "uvloop", integrations="")
    return figures


def _in_process(plan: Plan, framework: str, loop: str, integrations: str = "auto") -> Figure:
    settings = {**plan.settings("calls"), "SCOPE_INTEGRATIONS": integrations}
    environment = os.environ | isolated(plan.directory, settings)
    samples = [inprocess.measure(framework, loop, plan.request_rounds, environment) for _ in range(plan.processes)]
    return figure(
        "us",
        [sample.added_us for sample in samples],
        baseline=[sample.bare_us for sample in samples],
        noise=[sample.noise_us for sample in samples],
        limit=4,
    )


def servers_at_full_load(plan: Plan) -> dict[str, Figure]:
    """Servers that do nothing but answer."""

    def drive(port: int) -> load.Load:
        return load.full(port, served.PATH, plan.block_s)

    samples = _from_sites(plan, "full", drive, plan.load_rounds)
    return {
        "full_load_server_cpu": _cpu_ratio(samples, 1.05),
        "full_load_server_cpu_added": _cpu_added(samples),
        "full_load_rate": figure(
            "ratio", [item.rate_ratio for item in samples], noise=[item.rate_ratio_noise for item in samples]
        ),
        "full_load_collector_cpu": figure("share", [item.collector_share for item in samples], limit=0.08),
        **_memory(samples),
    }


def servers_mostly_idle(plan: Plan) -> dict[str, Figure]:
    """Servers with little to do: every request wakes them up."""

    def drive(port: int) -> load.Load:
        return load.paced(port, served.PATH, plan.paced_block_s, PACED_RATE)

    samples = _from_sites(plan, "paced", drive, plan.paced_rounds)
    return {
        "paced_server_cpu": _cpu_ratio(samples, 1.05),
        "paced_server_cpu_added": _cpu_added(samples),
        "paced_collector_cpu": figure("share", [item.collector_share for item in samples], limit=0.08),
    }


def _from_sites(plan: Plan, name: str, drive: Callable[[int], load.Load], rounds: int) -> list[served.Sample]:
    """A sample of each of several sets of servers."""
    samples: list[served.Sample] = []
    for number in range(plan.sites):
        site = f"{name}-{number}"
        samples.append(served.measure(plan.directory / site, plan.settings(site), drive, rounds, pin=plan.pin))
    return samples


def _cpu_ratio(samples: Sequence[served.Sample], limit: float) -> Figure:
    return figure(
        "ratio",
        [item.cpu_ratio for item in samples],
        baseline=[item.bare_us for item in samples],
        noise=[item.cpu_ratio_noise for item in samples],
        limit=limit,
    )


def _cpu_added(samples: Sequence[served.Sample]) -> Figure:
    return figure(
        "us",
        [item.added_us for item in samples],
        baseline=[item.bare_us for item in samples],
        noise=[item.noise_us for item in samples],
    )


def _memory(samples: Sequence[served.Sample]) -> dict[str, Figure]:
    added = [float(item.traced_peak_bytes - item.bare_peak_bytes) for item in samples]
    return {
        "server_memory_added": figure("bytes", added, baseline=[float(item.bare_peak_bytes) for item in samples]),
        "collector_memory": figure("bytes", [float(item.collector_peak_bytes) for item in samples]),
    }


def _from_children(command: Sequence[str], plan: Plan) -> dict[str, list[float]]:
    """What each of several processes of a child module printed, by name."""
    environment = os.environ | isolated(plan.directory, plan.settings("calls"))
    values: dict[str, list[float]] = {}
    for _ in range(plan.processes):
        output = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for name, value in json.loads(output).items():
            values.setdefault(name, []).append(value)
    return values


PARTS: dict[str, Callable[[Plan], dict[str, Figure]]] = {
    "operations": operations,
    "inprocess": requests_in_process,
    "full": servers_at_full_load,
    "paced": servers_mostly_idle,
}
