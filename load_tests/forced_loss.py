"""``python -m load_tests.forced_loss``: overruns tiny rings and proves that every lost event is counted.

The same requests are sent again and again. First with room enough and a collector: all events are stored, which tells
how many a request and a worker write. Then, for each overflow policy, to rings of 32 KiB without a collector;
afterwards what the rings still hold is drained. Stored and lost events have to add up to what was written. Exit code 0
if they do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from scope.store import Reader

from .prices import send_prices
from .stack import shop

ALIKE = {"SCOPE_INTEGRATIONS": "starlette,fastapi,httpx,threads"}
"""Without the steps of event loops: requests that are alike do not take equally many."""

TINY = {**ALIKE, "SCOPE_SEGMENT_FIRST_LANE_BYTES": "32KiB", "SCOPE_SEGMENT_LANE_BYTES": "32KiB"}
RUNS = {
    "overwrite-oldest": {**TINY, "SCOPE_SEGMENT_OVERFLOW": "overwrite-oldest"},
    "discard-newest": {**TINY, "SCOPE_SEGMENT_OVERFLOW": "discard-newest"},
    "block": {**TINY, "SCOPE_SEGMENT_OVERFLOW": "block", "SCOPE_SEGMENT_BLOCK_MS": "1ms"},
    "block-all": {
        **TINY,
        "SCOPE_SEGMENT_OVERFLOW": "block",
        "SCOPE_SEGMENT_BLOCK_MS": "1ms",
        "SCOPE_SEGMENT_BLOCK_EVENT_LOOPS": "true",
    },
}
"""What a run is called, and the settings that make it lose events."""
ENOUGH = 200


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run left: events by path, the number of requests by path, and the events counted as lost, by reason."""

    events: Counter[str]
    requests: Counter[str]
    lost: Counter[str]

    @property
    def stored(self) -> int:
        return self.events.total()


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="scope-forced-loss-"))
    whole = run(directory / "whole", ENOUGH, options.workers, ALIKE, collect=True)
    each, rest = _measure(whole)
    written = options.requests * each + rest
    print(f"{each} events a request, {rest} besides; {options.requests:,} requests write {written:,} events")
    good = whole.lost.total() == 0
    for name, settings in RUNS.items():
        tally = run(directory / name, options.requests, options.workers, settings, collect=False)
        good &= tally.stored + tally.lost.total() == written and tally.lost.total() > 0
        print(_line(name, tally, written))
    print(f"kept in {directory}", file=sys.stderr)
    return 0 if good else 1


def run(directory: Path, requests: int, workers: int, settings: dict[str, str], *, collect: bool) -> Tally:
    """Send requests to a shop with these settings, stop it, store what can be stored."""
    directory.mkdir(parents=True, exist_ok=True)
    with shop(directory, workers=workers, collect=collect, payments=False, settings=settings) as stack:
        done = send_prices(stack.port, requests)
        if len(done.sent) != requests:
            raise SystemExit(f"only {len(done.sent)} of {requests} requests were answered")
    if not collect:
        stack.drain()
    return tally(directory / "scope" / "store")


def tally(store: Path) -> Tally:
    """Add up what is in ``store``."""
    counted = Tally(Counter(), Counter(), Counter())
    with Reader(store) as reader:
        for row in reader.requests(limit=1_000_000):
            path = "price" if row.path.endswith("/price") else row.path or row.kind
            counted.events[path] += row.events
            counted.requests[path] += 1
        for segment in reader.info().segments:
            counted.lost.update(segment.lost)
    return counted


def _measure(whole: Tally) -> tuple[int, int]:
    """Events of one request for a price, and of everything else, in a run that lost none."""
    each, odd = divmod(whole.events["price"], whole.requests["price"])
    if odd or whole.requests["price"] != ENOUGH:
        raise SystemExit(f"requests that are alike were not stored alike: {whole}")
    return each, whole.stored - whole.events["price"]


def _line(name: str, tally: Tally, written: int) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in tally.lost.items() if count)
    difference = written - tally.stored - tally.lost.total()
    verdict = "all accounted for" if not difference else f"{difference:,} unaccounted for"
    return f"{name:<18}{tally.stored:>10,} stored + {tally.lost.total():>10,} lost ({reasons}): {verdict}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.forced_loss", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="how many are sent (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the shop (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where everything is kept; default: a new one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
