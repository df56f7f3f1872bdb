"""``python -m load_tests.governor``: which part of a server's CPU tracing takes, while it is governed.

One server under ``scope run`` is asked for the same work by two paths, in turns: one is traced, the other is excluded.
What the first takes more than the second is what tracing added; its part of all CPU that the server used is what the
governor holds within its budget. The CPU comes from the system's clock of the process, which knows nothing of the
ledger. One process and not two: the same program runs up to 10 % faster or slower in another, by where its memory
happens to lie. Each round has two blocks that are not traced; what these seem to differ is the noise.

As long as functions have their probes, those take a fifth of their time in the excluded requests, too, so the first
rounds show less than tracing takes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from scope.config import load
from scope.views.collector_status import read_status

from ..overhead.rotation import turns
from ..processes import HOST, ROOT, Child, free_port, running, wait_until_logged
from ..stack import collector, isolated

APP = "load_tests.governor.app:app"
LISTENING = "Uvicorn running on"  # what uvicorn says once it takes connections
TRACED, UNTRACED = "/stock", "/untraced/stock"
CPU_SCHEDULED = 2  # of a process, all its threads: clock_getcpuclockid(3)


@dataclass(frozen=True, slots=True)
class Server:
    """A server and a connection to it."""

    child: Child
    connection: http.client.HTTPConnection

    def block(self, path: str, requests: int) -> float:
        """Seconds of CPU of the process that serves, for one of so many requests."""
        clock = ~self.child.pids()[-1] << 3 | CPU_SCHEDULED
        start = time.clock_gettime(clock)
        for _ in range(requests):
            self.connection.request("GET", path)
            self.connection.getresponse().read()
        return (time.clock_gettime(clock) - start) / requests


@dataclass(frozen=True, slots=True)
class Round:
    """``share`` is the part of the server's CPU that tracing took; ``level`` is the governor's afterwards."""

    at_s: float
    share: float
    noise: float
    level: int

    def line(self) -> str:
        return f"{self.at_s:>7.1f} s{100 * self.share:>10.2f} %{100 * self.noise:>9.2f} %{self.level:>7}"


def measured(server: Server, number: int, requests: int, start: float, directory: Path) -> Round:
    """One round: a long block that is traced, two short ones that are not."""
    few = max(requests // 4, 1)
    blocks = {"traced": (TRACED, requests), "bare": (UNTRACED, few), "again": (UNTRACED, few)}
    spent = {name: server.block(*blocks[name]) for name in turns(list(blocks), number)}
    bare = (spent["bare"] + spent["again"]) / 2
    whole = spent["traced"] * requests + bare * 2 * few
    return Round(
        time.monotonic() - start,
        share=(spent["traced"] - bare) * requests / whole,
        noise=(spent["again"] - spent["bare"]) * requests / whole,
        level=level_of(directory),
    )


def level_of(directory: Path) -> int:
    status = read_status(load(overrides={"dir": str(directory / "scope")}))
    return max((each.level for each in status.governed), default=0) if status else 0


def measure(directory: Path, seconds: float, requests: int, settings: dict[str, str]) -> list[Round]:
    """Rounds for so long; what the last trace and the doctor say is printed after them."""
    environment = isolated(directory, {"SCOPE_CAPTURE_EXCLUDE_PATHS": "/untraced/*", **settings})
    port = free_port()
    command = ["-m", "scope", "run", "uvicorn", APP, "--port", str(port), "--no-access-log"]
    rounds: list[Round] = []
    with ExitStack() as stack:
        stack.enter_context(collector(directory, environment))
        child = stack.enter_context(running("server", command, directory, environment))
        wait_until_logged(child, LISTENING, 1)
        server = Server(child, http.client.HTTPConnection(HOST, port, timeout=60))
        server.block(UNTRACED, requests)
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            rounds.append(measured(server, len(rounds), requests, start, directory))
            print(rounds[-1].line(), flush=True)
        print((directory / "collector.log").read_text(), shown(directory), sep="\n")
    return rounds


def shown(directory: Path) -> str:
    """What the last trace says of itself, and the doctor of all."""
    time.sleep(1.5)
    (last,) = json.loads(command_output(directory, "ls", "--json", "--limit", "1"))
    return command_output(directory, "show", last["id"]) + command_output(directory, "doctor").partition("✓ store")[0]


def command_output(directory: Path, *words: str) -> str:
    command = [sys.executable, "-m", "scope", *words]
    environment = {"SCOPE_DIR": str(directory / "scope"), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m load_tests.governor", description=__doc__)
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--requests", type=int, default=20, help="traced ones in a round")
    parser.add_argument("--budget", type=float, default=1.0, help="percent")
    parser.add_argument("--settle", type=float, default=10.0, help="seconds that do not count")
    options = parser.parse_args(arguments)
    print(f"{'after':>9}{'tracing':>12}{'noise':>11}{'level':>7}")
    with tempfile.TemporaryDirectory(prefix="scope-governor-") as folder:
        settings = {"SCOPE_GOVERNOR_BUDGET_PERCENT": str(options.budget)}
        rounds = measure(Path(folder), options.seconds, options.requests, settings)
    over = [each.at_s for each in rounds if each.share > (options.budget + 0.5) / 100 and each.at_s < options.settle]
    settled = [each for each in rounds if each.at_s > options.settle]
    shares, noises = [100 * each.share for each in settled], [100 * each.noise for each in settled]
    print(f"within the budget after {over[-1] if over else 0.0:.1f} s at most")
    print(f"later: median {median(shares):.2f} %, mean {mean(shares):.2f} %; noise {median(noises):.2f} %")
    return 0 if median(shares) <= options.budget + 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
