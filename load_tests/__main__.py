"""``python -m load_tests``: a realistic mix of requests for the example shop, traced; prints what was sent."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scope.store import Reader

from .mix_proof import check_mix
from .proof import Findings
from .shop import MOST_REQUESTS, run_mix
from .stack import ADMIN_KEY, shop

if TYPE_CHECKING:
    from .report import Report


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.seconds is None and options.requests is None:
        options.seconds = 10.0
    findings = Findings()
    report = _against(options, options.url, "") if options.url else _own_shop(options, findings)
    print(json.dumps(report.as_json(), indent=2) if options.json else "\n".join(report.lines()))
    return 1 if report.unexpected or findings.counts else 0


def _own_shop(options: argparse.Namespace, findings: Findings) -> Report:
    directory = options.directory or Path(tempfile.mkdtemp(prefix="scope-load-"))
    directory.mkdir(parents=True, exist_ok=True)
    with shop(directory, workers=options.workers) as stack:
        report = _against(options, stack.base_url, ADMIN_KEY)
    with Reader(directory / "scope" / "store") as reader:
        good = check_mix(reader.requests(limit=MOST_REQUESTS), report.samples, findings)
    lines = [
        f"{good} of {report.answered} answered requests are stored whole, with the status that was seen",
        *findings.lines(),
        f"look further: SCOPE_DIR={stack.environment['SCOPE_DIR']} scope show {report.slowest_id}",
    ]
    print("\n".join(lines), file=sys.stderr)
    return report


def _against(options: argparse.Namespace, url: str, admin_key: str) -> Report:
    return run_mix(
        url,
        seconds=options.seconds,
        requests=options.requests,
        visitors=options.visitors,
        seed=options.seed,
        admin_key=admin_key,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests", description=__doc__)
    parser.add_argument("--url", help="a shop that runs already; without it one is started, with a collector")
    parser.add_argument("--seconds", type=float, help="end after so long (default 10, unless --requests is given)")
    parser.add_argument("--requests", type=int, help="end after so many requests")
    parser.add_argument("--visitors", type=int, default=8, help="how many use the shop side by side")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same journeys")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the shop that is started")
    parser.add_argument("--directory", type=Path, help="where the started shop keeps everything; default: a new one")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
