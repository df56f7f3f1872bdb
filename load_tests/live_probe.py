"""``python -m load_tests.live_probe``: how soon four workers under load record a function that is asked for, and stop.

Visitors ask for two routes that call the same function. It is switched on for one of the routes with
``scope probe``, looked at with ``scope show``, and switched off, again and again. Times are from the moment that a
command is started, so they hold the start of an interpreter. Exit code 1 if a request failed, if a function was
recorded in the other route, or if any worker took longer than the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from scope.model import SpanKind
from scope.store import Reader, parse

from .processes import HOST, ROOT, free_port, running, wait_until_logged
from .stack import STARTED, collector, isolated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scope.model import Span

APP: Final = "load_tests.live_app"
ROUTE: Final = "/checkout/{number}"
PATHS: Final = ("/checkout/7", "/browse/7")
MORE_SPANS: Final = parse("spans>2")
"""Than those of a request and its handler: so functions were recorded in it."""
STORED_S: Final = 2.0
"""Longer than it takes until a request is stored."""


@dataclass
class Visits:
    """What came of the requests, by status (0: none), and how long the slowest took."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    slowest_s: float = 0.0
    is_over: bool = False

    async def visit(self, port: int, path: str, every_s: float) -> None:
        """Ask for ``path`` on new connections, one after the other: so the kernel picks another worker each time."""
        while not self.is_over:
            began = time.perf_counter()
            self.statuses[await _status(port, path)] += 1
            took = time.perf_counter() - began
            self.slowest_s = max(self.slowest_s, took)
            await asyncio.sleep(max(0.0, every_s - took))


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call, and the request that it was made in."""

    pid: int
    request: str
    route: str | None
    start_ns: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Times in s since the command that switched on, or off, was started; by worker. ``commands`` took so long each."""

    commands: tuple[float, float, float]
    first: Mapping[int, float]
    shown: float
    last: Mapping[int, float]
    elsewhere: int


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="scope-live-") as name:
        visits, turns = asyncio.run(_run(Path(name), options))
    for turn in turns:
        print(_line(turn, options.workers))
    firsts = [each for turn in turns for each in turn.first.values()]
    lasts = [each for turn in turns for each in turn.last.values()]
    shown = [turn.shown for turn in turns]
    for what, found in (("recorded", firsts), ("shown", shown), ("off", lasts)):
        print(f"{what}: median {median(found):.3f} s, slowest {max(found):.3f} s")
    print(f"answers: {dict(visits.statuses)}, the slowest took {visits.slowest_s:.3f} s")
    whole = all(len(turn.first) == options.workers and not turn.elsewhere for turn in turns)
    in_time = max(*firsts, *lasts, *shown) <= options.limit
    return 0 if whole and in_time and set(visits.statuses) == {200} else 1


async def _run(directory: Path, options: argparse.Namespace) -> tuple[Visits, list[Turn]]:
    environment = isolated(directory, {"SCOPE_PROBES_OWN": "false"})
    port = free_port()
    serve = ["-m", "scope", "run", "--", sys.executable, "-m", "uvicorn", f"{APP}:app", "--no-access-log"]
    serve += ["--port", str(port), "--workers", str(options.workers)]
    with collector(directory, environment), running("app", serve, directory, environment) as app:
        await asyncio.to_thread(wait_until_logged, app, STARTED, options.workers)
        visits = Visits()
        paths = [PATHS[number % 2] for number in range(options.visitors)]
        every_s = options.visitors / options.rate
        tasks = [asyncio.create_task(visits.visit(port, path, every_s)) for path in paths]
        try:
            await asyncio.sleep(1.0)
            turns = [await asyncio.to_thread(_turn, directory, environment) for _ in range(options.turns)]
        finally:
            visits.is_over = True
            await asyncio.gather(*tasks)
    return visits, turns


def _turn(directory: Path, environment: Mapping[str, str]) -> Turn:
    on_ns = time.time_ns()
    _scope(environment, "probe", f"{APP}:price", "--route", f"GET {ROUTE}")
    asked = _since(on_ns)
    found = _first_stored(directory, on_ns)
    look_ns = time.time_ns()
    assert "price" in _scope(environment, "show", found.request)
    looked, shown = _since(look_ns), _since(on_ns)
    time.sleep(STORED_S)
    off_ns = time.time_ns()
    _scope(environment, "probe", "--stop")
    commands = (asked, looked, _since(off_ns))
    time.sleep(2 * STORED_S)
    return _measured(directory, on_ns, off_ns, commands, shown)


def _since(then_ns: int) -> float:
    return (time.time_ns() - then_ns) / 1e9


def _first_stored(directory: Path, since_ns: int) -> Call:
    while (found := next(_recorded(directory, since_ns), None)) is None:
        time.sleep(0.02)
    return found


def _measured(directory: Path, on_ns: int, off_ns: int, commands: tuple[float, float, float], shown: float) -> Turn:
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    elsewhere = 0
    for call in _recorded(directory, on_ns):
        elsewhere += call.route != ROUTE
        first[call.pid] = min(first.get(call.pid, float("inf")), (call.start_ns - on_ns) / 1e9)
        last[call.pid] = max(last.get(call.pid, 0.0), (call.start_ns - off_ns) / 1e9)
    return Turn(commands, first, shown, last, elsewhere)


def _recorded(directory: Path, since_ns: int) -> Iterator[Call]:
    """Each recorded call of a request since then."""
    with Reader(directory / "scope" / "store") as reader:
        for request in reader.requests(MORE_SPANS, since_ns=since_ns, limit=1_000_000):
            for span in _functions(reader.trace(request).root):
                yield Call(request.pid, request.span_id, request.route, span.start_ns)


def _functions(span: Span) -> Iterator[Span]:
    if span.kind is SpanKind.FUNCTION:
        yield span
    for child in span.children:
        yield from _functions(child)


def _scope(environment: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "scope", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | dict(environment), capture_output=True, text=True, check=True
    )
    return done.stdout


async def _status(port: int, path: str) -> int:
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1])
    except (OSError, ValueError, IndexError):
        return 0


def _line(turn: Turn, workers: int) -> str:
    def told(times: Sequence[float]) -> str:
        return " ".join(f"{each:.3f}" for each in sorted(times))

    missing = f"; {workers - len(turn.first)} workers recorded nothing" if len(turn.first) < workers else ""
    return (
        f"on after {told([*turn.first.values()])} s, shown after {turn.shown:.3f} s, "
        f"off after {told([*turn.last.values()])} s; {turn.elsewhere} calls elsewhere{missing}; "
        f"the commands took {told(turn.commands)} s"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.live_probe", description=__doc__)
    parser.add_argument(
        "--turns", type=int, default=5, help="how often it is switched on and off (default %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=4, help="worker processes (default %(default)s)")
    parser.add_argument("--visitors", type=int, default=8, help="how many ask side by side (default %(default)s)")
    parser.add_argument(
        "--rate", type=float, default=400, help="requests a second of all visitors (default %(default)s)"
    )
    parser.add_argument("--limit", type=float, default=1.0, help="seconds that each may take (default %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
