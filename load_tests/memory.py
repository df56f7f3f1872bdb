"""``python -m load_tests.memory``: the collector's memory while processes write so many events a second.

The writers keep their pace by the clock: whoever was held up writes more for a while. Printed are the collector's
resident memory over time, its peak, and what was stored and lost. Exit code 0 if the peak stays within the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scope import ScopeMiddleware, annotate, mark, span
from scope.store import Reader

from .processes import ROOT, Child, resident_bytes
from .stack import collector, isolated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    Message = MutableMapping[str, Any]

LIMIT_BYTES: Final = 64 << 20
WRITERS: Final = 2
EVENTS: Final = 50
"""Of a request: its four frame events, one annotation, five spans of two events, and marks."""
MARKS: Final = EVENTS - 15
SLICE_S: Final = 0.02
"""Requests are made in bursts, so often."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.write:
        asyncio.run(write(options.rate, options.seconds, options.open))
        return 0
    directory = Path(tempfile.mkdtemp(prefix="scope-memory-", dir=options.directory))
    environment = isolated(directory, {"SCOPE_STORE_RETENTION_BYTES": "64GiB"})
    with collector(directory, environment) as collecting:
        before = collecting.cpu_ns()
        writers = [_writer(options, environment) for _ in range(WRITERS)]
        try:
            peak = _watch(collecting, options)
        finally:
            for writer in writers:
                writer.wait()
        cpu_s = (collecting.cpu_ns() - before) / 1e9
    with Reader(directory / "scope" / "store") as reader:
        info = reader.info()
        events = sum(row.events for row in reader.requests(limit=10_000_000)) if options.count else 0
    lost = sum(sum(segment.lost.values()) for segment in info.segments)
    print(
        f"peak {peak / 2**20:.1f} MiB of {LIMIT_BYTES >> 20}; collector's CPU {cpu_s:.1f} s of {options.seconds:.0f} s"
    )
    print(f"stored {info.requests:,} requests{f', {events:,} events' if events else ''}; lost {lost:,} events")
    print(f"store {sum(path.stat().st_size for path in directory.rglob('*.db')) / 2**20:.0f} MiB, kept in {directory}")
    return 0 if peak < LIMIT_BYTES else 1


def _writer(options: argparse.Namespace, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "load_tests.memory",
        "--write",
        f"--rate={options.rate // WRITERS}",
        f"--open={options.open // WRITERS}",
    ]
    return subprocess.Popen([*command, f"--seconds={options.seconds}"], cwd=ROOT, env=os.environ | dict(environment))


def _watch(collecting: Child, options: argparse.Namespace) -> int:
    """Print the collector's memory now and then; its peak, in bytes."""
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < options.seconds:
        collecting.check()
        now, peak = resident_bytes(collecting.process.pid), collecting.peak_bytes()
        print(f"{passed:6.0f} s  resident {now / 2**20:5.1f} MiB, peak {peak / 2**20:5.1f} MiB", flush=True)
        time.sleep(min(options.every, options.seconds))
    return collecting.peak_bytes()


# --- a process that writes ------------------------------------------------------------------------------------------


async def write(rate: int, seconds: float, open_: int) -> None:
    """``rate`` events a second, in requests of EVENTS each, besides those of ``open_`` requests that stay."""
    app = ScopeMiddleware(_application)
    begun, made = time.monotonic(), 0
    staying = [asyncio.create_task(_stay(number, begun + seconds)) for number in range(open_)]
    while (passed := time.monotonic() - begun) < seconds:
        for _ in range(int(passed * rate / EVENTS) - made):
            await app({"type": "http", "method": "GET", "path": f"/items/{made % 97}", "headers": []}, _receive, _send)
            made += 1
        await asyncio.sleep(SLICE_S)
    await asyncio.gather(*staying)


async def _stay(number: int, until: float) -> None:
    """A request that writes a mark a second."""

    async def work(_: Message, __: object, ___: object) -> None:
        await asyncio.sleep(number % 100 / 100)
        while time.monotonic() < until:
            mark("tick", of=number)
            await asyncio.sleep(1)

    await ScopeMiddleware(work)({"type": "http", "method": "GET", "path": "/stay", "headers": []}, _receive, _send)


async def _application(_: Message, __: object, send: Callable[[Message], Awaitable[None]]) -> None:
    annotate(customer="a-43", items=3)
    for number in range(5):
        with span("step", number=number):
            for _i in range(MARKS // 5):
                mark("tick", of=number)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: Message) -> None:
    return


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.memory", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long (default %(default)s)")
    parser.add_argument("--rate", type=int, default=50_000, help="events a second in all (default %(default)s)")
    parser.add_argument("--open", type=int, default=0, help="requests that stay open besides, a mark a second each")
    parser.add_argument("--every", type=float, default=15, help="seconds between two lines (default %(default)s)")
    parser.add_argument("--count", action="store_true", help="count the stored events, too, request by request")
    parser.add_argument("--directory", type=Path, help="where everything is kept; default: that for temporary files")
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
