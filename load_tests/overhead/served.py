"""CPU of real servers under load, with and without tracing, and of the collector beside them.

Three servers run side by side, one worker each: bare, traced, and bare again. Load goes to one at a time, in short
blocks in turn; only the traced one has a collector. What a server used is read from its own CPU clock, so the load
generator and everything else on the machine do not count.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ..processes import Child, free_port, wait_until_logged
from ..stack import STARTED, collector, isolated, serving
from .rotation import turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from .load import Load

PATH = "/hello/world"
SETTLE_S = 0.3
SIDES = ("bare", "traced", "bare_again")


@dataclass(frozen=True, slots=True)
class Site:
    """The servers by name, each with its port, and the collector."""

    servers: Mapping[str, tuple[Child, int]]
    collector: Child


@dataclass(frozen=True, slots=True)
class Block:
    """One server under load for a moment. The collector's time is only its own while the traced server has the load."""

    cpu_us: float
    rate: float
    collector_share: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One set of processes: CPU for a request, and ratios of traced to bare server; medians over the rounds."""

    bare_us: float
    added_us: float
    noise_us: float
    cpu_ratio: float
    cpu_ratio_noise: float
    rate_ratio: float
    rate_ratio_noise: float
    collector_share: float
    traced_peak_bytes: int
    bare_peak_bytes: int
    collector_peak_bytes: int


def measure(
    directory: Path, settings: Mapping[str, str], load: Callable[[int], Load], rounds: int, *, pin: bool
) -> Sample:
    """Start the servers, let ``load`` drive them by port in turn, stop them."""
    directory.mkdir()
    with site(directory, isolated(directory, settings), pin=pin) as running_site:
        blocks: dict[str, list[Block]] = {name: [] for name in SIDES}
        for number in range(-1, rounds):
            for name in turns(SIDES, number):
                block = _block(running_site, name, load)
                if number >= 0:
                    blocks[name].append(block)
        return _sample(running_site, blocks)


@contextmanager
def site(directory: Path, environment: Mapping[str, str], *, pin: bool) -> Iterator[Site]:
    """The servers and the collector; with ``pin`` the servers have one processor and everything else the others."""
    with ExitStack() as parts:
        collecting = parts.enter_context(collector(directory, environment))
        servers = {name: parts.enter_context(_server(name, directory, environment)) for name in SIDES}
        if pin:
            parts.enter_context(_pinned([child for child, _ in servers.values()], collecting))
        yield Site(servers, collecting)


@contextmanager
def _pinned(servers: Sequence[Child], collecting: Child) -> Iterator[None]:
    processors = os.sched_getaffinity(0)
    first, *others = sorted(processors)
    for child in servers:
        child.pin({first})
    collecting.pin(set(others) or processors)
    os.sched_setaffinity(0, set(others) or processors)  # this process and the load generator that it starts
    try:
        yield
    finally:
        os.sched_setaffinity(0, processors)


@contextmanager
def _server(name: str, directory: Path, environment: Mapping[str, str]) -> Iterator[tuple[Child, int]]:
    factory = "traced_fastapi" if name == "traced" else "bare_fastapi"
    port = free_port()
    app = f"load_tests.overhead.hello:{factory}"
    with serving(name, app, port, directory, environment, "--factory", "--loop", "uvloop") as child:
        wait_until_logged(child, STARTED, 1)
        yield child, port


def _block(site: Site, name: str, load: Callable[[int], Load]) -> Block:
    child, port = site.servers[name]
    server_ns, collector_ns = child.cpu_ns(), site.collector.cpu_ns()
    done = load(port)
    server_ns = child.cpu_ns() - server_ns
    time.sleep(SETTLE_S)  # the collector stores what is still in the rings: that is part of its cost
    collector_ns = site.collector.cpu_ns() - collector_ns
    return Block(server_ns / done.requests / 1000, done.rate, collector_ns / server_ns)


def _sample(site: Site, blocks: Mapping[str, list[Block]]) -> Sample:
    def ratio(name: str, what: Callable[[Block], float]) -> float:
        pairs = zip(blocks[name], blocks["bare"], strict=True)
        return median(what(block) / what(bare) for block, bare in pairs)

    def added_us(name: str) -> float:
        pairs = zip(blocks[name], blocks["bare"], strict=True)
        return median(block.cpu_us - bare.cpu_us for block, bare in pairs)

    return Sample(
        bare_us=median(block.cpu_us for block in blocks["bare"]),
        added_us=added_us("traced"),
        noise_us=added_us("bare_again"),
        cpu_ratio=ratio("traced", lambda block: block.cpu_us),
        cpu_ratio_noise=ratio("bare_again", lambda block: block.cpu_us),
        rate_ratio=ratio("traced", lambda block: block.rate),
        rate_ratio_noise=ratio("bare_again", lambda block: block.rate),
        collector_share=median(block.collector_share for block in blocks["traced"]),
        traced_peak_bytes=site.servers["traced"][0].peak_bytes(),
        bare_peak_bytes=site.servers["bare"][0].peak_bytes(),
        collector_peak_bytes=site.collector.peak_bytes(),
    )
