"""``python -m load_tests.overhead``: what tracing costs on this machine, as JSON; see load_tests/README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..processes import ROOT
from ..stack import isolated
from . import load, served
from .figures import Figure, figure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PARTS = ("operations", "inprocess", "full", "paced")
PACED_RATE = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: processes for each figure, rounds within each, seconds for a block of load."""

    processes: int
    operation_rounds: int
    request_rounds: int
    sites: int
    load_rounds: int
    block_s: int
    paced_block_s: float


FULL = Plan(processes=5, operation_rounds=300, request_rounds=150, sites=3, load_rounds=7, block_s=2, paced_block_s=3.0)
QUICK = Plan(processes=2, operation_rounds=60, request_rounds=40, sites=1, load_rounds=3, block_s=1, paced_block_s=1.5)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    plan = QUICK if options.quick else FULL
    start = time.monotonic()
    figures: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory(prefix="scope-overhead-") as directory:
        if options.pin and len(os.sched_getaffinity(0)) > 1:
            os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[1:]))
        for part in options.parts or PARTS:
            print(f"measuring {part} ...", file=sys.stderr)
            figures |= _measures(plan, Path(directory), pin=options.pin)[part]()
    print(json.dumps(_document(figures, options, time.monotonic() - start), indent=2))
    return 1 if options.check and any(item.met is False for item in figures.values()) else 0


def _measures(plan: Plan, directory: Path, *, pin: bool) -> Mapping[str, Callable[[], dict[str, Figure]]]:
    return {
        "operations": partial(operations, plan, directory),
        "inprocess": partial(requests_in_process, plan, directory),
        "full": partial(servers_at_full_load, plan, directory, pin=pin),
        "paced": partial(servers_mostly_idle, plan, directory, pin=pin),
    }


def operations(plan: Plan, directory: Path) -> dict[str, Figure]:
    """Nanoseconds of single calls."""
    command = ("load_tests.overhead.operations", "--rounds", str(plan.operation_rounds))
    values = _from_children(command, plan.processes, directory)
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


def requests_in_process(plan: Plan, directory: Path) -> dict[str, Figure]:
    """Microseconds of CPU that the middleware adds to a request."""
    figures: dict[str, Figure] = {}
    for framework in ("fastapi", "starlette"):
        for loop in ("uvloop", "asyncio"):
            command = ("load_tests.overhead.inprocess", framework, loop, "--rounds", str(plan.request_rounds))
            values = _from_children(command, plan.processes, directory)
            name = f"in_process_{framework}_{loop}"
            figures[name] = figure("us", values["added"], baseline=values["bare"], noise=values["noise"], limit=4)
    return figures


def servers_at_full_load(plan: Plan, directory: Path, *, pin: bool) -> dict[str, Figure]:
    """Servers that do nothing but answer."""

    def drive(port: int) -> load.Load:
        return load.full(port, served.PATH, plan.block_s)

    samples = [
        served.measure(directory / f"full-{number}", drive, plan.load_rounds, pin=pin) for number in range(plan.sites)
    ]
    return {
        "full_load_server_cpu": _cpu_ratio(samples, 1.05),
        "full_load_rate": figure(
            "ratio", [item.rate_ratio for item in samples], noise=[item.rate_ratio_noise for item in samples]
        ),
        "full_load_collector_cpu": figure("share", [item.collector_share for item in samples], limit=0.08),
        **_memory(samples),
    }


def servers_mostly_idle(plan: Plan, directory: Path, *, pin: bool) -> dict[str, Figure]:
    """Servers with little to do: every request wakes them up."""

    def drive(port: int) -> load.Load:
        return load.paced(port, served.PATH, plan.paced_block_s, PACED_RATE)

    rounds = max(2, plan.load_rounds // 2)
    samples = [served.measure(directory / f"paced-{number}", drive, rounds, pin=pin) for number in range(plan.sites)]
    return {
        "paced_server_cpu": _cpu_ratio(samples, 1.05),
        "paced_collector_cpu": figure("share", [item.collector_share for item in samples], limit=0.08),
    }


def _cpu_ratio(samples: Sequence[served.Sample], limit: float) -> Figure:
    return figure(
        "ratio",
        [item.cpu_ratio for item in samples],
        baseline=[item.bare_us for item in samples],
        noise=[item.cpu_ratio_noise for item in samples],
        limit=limit,
    )


def _memory(samples: Sequence[served.Sample]) -> dict[str, Figure]:
    added = [float(item.traced_peak_bytes - item.bare_peak_bytes) for item in samples]
    return {
        "server_memory_added": figure("bytes", added, baseline=[float(item.bare_peak_bytes) for item in samples]),
        "collector_memory": figure("bytes", [float(item.collector_peak_bytes) for item in samples]),
    }


def _from_children(command: Sequence[str], processes: int, directory: Path) -> dict[str, list[float]]:
    """What each of several processes of a child module printed, by name."""
    environment = os.environ | isolated(directory)
    values: dict[str, list[float]] = {}
    for _ in range(processes):
        output = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for name, value in json.loads(output).items():
            values.setdefault(name, []).append(value)
    return values


def _document(figures: Mapping[str, Figure], options: argparse.Namespace, seconds: float) -> dict[str, object]:
    return {
        "machine": {
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
            "load_average": os.getloadavg(),
        },
        "plan": "quick" if options.quick else "full",
        "pinned": options.pin,
        "seconds": round(seconds, 1),
        "figures": {name: item.as_json() for name, item in figures.items()},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.overhead", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure: {', '.join(PARTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="within a minute, with more noise")
    parser.add_argument("--pin", action="store_true", help="servers on one processor, everything else on the others")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a limit is missed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
