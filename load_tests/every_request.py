"""``python -m load_tests.every_request``: proves that each of many requests is stored, once, whole and as its own.

The shop runs with several workers and a collector; every request carries an X-Request-ID of its own. Afterwards the
store is read from outside and compared with what was sent, request by request and span by span. Exit code 0 if all is
there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scope.store import Reader

from .prices import Run, send_prices
from .proof import Findings, check_answers, check_rows, check_trace
from .stack import shop

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scope.model import RequestSummary


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds and peak memory of the servers and of the collector."""

    server_s: float
    collector_s: float
    server_bytes: int
    collector_bytes: int


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="scope-every-request-"))
    directory.mkdir(parents=True, exist_ok=True)
    run, cost = _load(directory, options)
    findings = Findings()
    start = time.monotonic()
    check_answers(run.sent, findings)
    with Reader(directory / "scope" / "store") as reader:
        rows = reader.requests(limit=2 * options.requests + 1000)
        stored = _of_run(rows, run)
        checked = check_rows(stored, run.sent, findings)
        decoded = _check_trees(reader, stored, run, findings, options.trees)
        info = reader.info()
    if len(rows) != info.requests + info.open_requests:
        findings.note("the store counts other requests than it lists", f"{info.requests} and {len(rows)}")
    if run.unanswered:
        findings.note("not answered", str(run.unanswered))
    lost = sum(sum(segment.lost.values()) for segment in info.segments)
    table = _table(run, cost, stored, checked, decoded, lost, time.monotonic() - start)
    print("\n".join(table + findings.lines()))
    print(f"kept in {directory}", file=sys.stderr)
    return 1 if findings.counts or checked != options.requests else 0


def _load(directory: Path, options: argparse.Namespace) -> tuple[Run, Cost]:
    """Everything has ended and drained when this returns."""
    with shop(directory, workers=options.workers, payments=False) as stack:
        assert stack.collector is not None
        server_ns, collector_ns = stack.shop.cpu_ns(), stack.collector.cpu_ns()
        run = send_prices(stack.port, options.requests, connections=options.connections, depth=options.depth)
        time.sleep(1.0)  # what the collector still stores counts as its cost
        stack.collector.check()
        cost = Cost(
            (stack.shop.cpu_ns() - server_ns) / 1e9,
            (stack.collector.cpu_ns() - collector_ns) / 1e9,
            stack.shop.peak_bytes(),
            stack.collector.peak_bytes(),
        )
    return run, cost


def _of_run(rows: Sequence[RequestSummary], run: Run) -> list[RequestSummary]:
    """The requests of the run. Others, such as the life of the workers, are left out."""
    prefix = next(iter(run.sent), "-").partition("-")[0]
    return [row for row in rows if row.id.startswith(prefix) or row.path.endswith("/price")]


def _check_trees(reader: Reader, stored: Sequence[RequestSummary], run: Run, findings: Findings, trees: int) -> int:
    """Decode ``trees`` of the stored requests, evenly spread; how many were decoded."""
    step = max(1, len(stored) // trees) if trees else len(stored) + 1
    chosen = [row for row in stored[::step] if row.id in run.sent]
    for row in chosen:
        check_trace(reader.trace(row), run.sent[row.id], findings)
    return len(chosen)


def _table(
    run: Run,
    cost: Cost,
    stored: Sequence[RequestSummary],
    checked: int,
    decoded: int,
    lost: int,
    seconds: float,
) -> list[str]:
    """What was sent beside what was stored."""
    latency = f"p50 {run.p50_ns / 1e6:.1f} ms, p99 {run.p99_ns / 1e6:.1f} ms"
    share = f"{cost.collector_s / cost.server_s:.1%} of the servers'"
    memory = f"a server {cost.server_bytes / 1e6:.0f} MB, the collector {cost.collector_bytes / 1e6:.0f} MB"
    return [
        f"{'':<26}{'sent':>14}{'stored':>14}",
        f"{'requests':<26}{len(run.sent):>14,}{checked:>14,}",
        f"{'distinct ids':<26}{len(run.sent):>14,}{len({row.id for row in stored}):>14,}",
        f"{'bytes of body':<26}{_sum(s.body_bytes for s in run.sent.values())}{_sum(row.bytes_out for row in stored)}",
        f"{'events':<26}{'':>14}{_sum(row.events for row in stored)}",
        f"{'spans':<26}{'':>14}{_sum(row.spans for row in stored)}",
        f"{'events lost':<26}{'':>14}{lost:>14,}",
        f"{'trees decoded':<26}{'':>14}{decoded:>14,}",
        f"{'workers':<26}{'':>14}{len({row.pid for row in stored}):>14,}",
        "",
        f"{len(run.sent) / run.seconds:,.0f} requests a second for {run.seconds:.1f} s, {latency}",
        f"CPU: servers {cost.server_s:.2f} s, collector {cost.collector_s:.2f} s ({share})",
        f"memory at most: {memory}",
        f"checked in {seconds:.1f} s",
    ]


def _sum(values: Iterable[int]) -> str:
    return f"{sum(values):>14,}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.every_request", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="how many are sent (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the shop (default %(default)s)")
    parser.add_argument("--connections", type=int, default=32, help="connections (default %(default)s)")
    parser.add_argument("--depth", type=int, default=2, help="requests in flight on each (default %(default)s)")
    parser.add_argument("--trees", type=int, default=1_000_000, help="how many trees to decode at most; default: all")
    parser.add_argument("--directory", type=Path, help="where everything is kept; default: a new one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
