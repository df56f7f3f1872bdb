"""What hostile writers cost the collector, way by way: ``python -m tests.processes.chaos.measure``.

Each line is a run of a collector beside two workers that answer requests, with a hostile one beside them and without.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.support.servers import collector
from tests.support.stored import listed

from .hostile import WAYS
from .parties import Cost, answer_all, honest, hostile

REQUESTS: Final = 1_000
NONE: Final = ""


def measured(way: str) -> tuple[Cost, int]:
    """What the collector took until two workers had answered all, and how many of their requests are stored whole."""
    with TemporaryDirectory(prefix="chaos-") as made, ExitStack() as stack:
        directory = Path(made)
        os.environ["SCOPE_DIR"] = str(directory / "scope")
        collecting = stack.enter_context(collector(directory))
        if way:
            stack.enter_context(hostile(directory, way))
        answer_all(*(stack.enter_context(honest(directory, name, REQUESTS)) for name in "ab"))
        cost = Cost.of(collecting.pid)
        collecting.stop()
        return cost, sum(each.complete for each in listed() if each.id[:2] in {"a-", "b-"})


def main() -> int:
    alone, _ = measured(NONE)
    print(f"{'way':<12} {'CPU':>8} {'ratio':>6} {'peak RSS':>10} {'ratio':>6}  requests of others stored whole")
    lost = 0
    for way in (NONE, *WAYS):
        cost, whole = measured(way)
        lost += 2 * REQUESTS - whole
        print(
            f"{way or 'none':<12} {cost.cpu_s:6.2f} s {cost.cpu_s / alone.cpu_s:6.1f}"
            f" {cost.peak_rss_bytes / (1 << 20):6.1f} MiB {cost.peak_rss_bytes / alone.peak_rss_bytes:6.1f}"
            f"  {whole} of {2 * REQUESTS}",
            flush=True,
        )
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
