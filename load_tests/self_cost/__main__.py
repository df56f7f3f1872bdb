"""``python -m load_tests.self_cost``: the ledger beside the measured difference between traced and untraced requests.

Three processes take turns in blocks: an application, the same one traced, and the first again, which tells the noise.
Of each workload the table has the CPU of a request, what tracing has added to it as measured, what the ledger says that
it added, and the ratio of the two.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from ..overhead.rotation import turns
from ..processes import ROOT
from ..stack import isolated
from .work import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SIDES = {"bare": "bare", "traced": "traced", "bare_again": "bare"}

Block = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Nanoseconds of CPU for a request: bare, added as measured, added as the ledger says, and bare against bare."""

    workload: str
    bare_ns: float
    measured_ns: float
    ledger_ns: float
    noise_ns: float

    @property
    def ratio(self) -> float:
        """What the ledger says, of what was measured."""
        return self.ledger_ns / self.measured_ns if self.measured_ns else 0.0

    def line(self) -> str:
        figures = (self.bare_ns, self.measured_ns, self.ledger_ns, self.noise_ns)
        return f"{self.workload:<12}" + "".join(f"{ns / 1000:>12.2f}" for ns in figures) + f"{self.ratio:>9.2f}"


def compare(workload: str, blocks: Mapping[str, Callable[[str], Block]], rounds: int) -> Comparison:
    """Let the processes take turns with ``workload``; each round is compared with itself only."""
    spent: dict[str, list[Block]] = {name: [] for name in blocks}
    for number in range(-3, rounds):
        for name in turns(list(blocks), number):
            block = blocks[name](workload)
            if number >= 0:
                spent[name].append(block)
    pairs = list(zip(spent["bare"], spent["traced"], spent["bare_again"], strict=True))
    return Comparison(
        workload,
        bare_ns=median(bare for (bare, _), _, _ in pairs),
        measured_ns=median(traced - bare for (bare, _), (traced, _), _ in pairs),
        ledger_ns=median(ledger for _, (_, ledger), _ in pairs),
        noise_ns=median(again - bare for (bare, _), _, (again, _) in pairs),
    )


@contextmanager
def process(side: str, environment: Mapping[str, str]) -> Iterator[Callable[[str], Block]]:
    """A process; each call of what is given runs one block of a workload there."""
    command = [sys.executable, "-m", "load_tests.self_cost.child", side]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        commands, results = child.stdin, child.stdout
        assert commands is not None
        assert results is not None

        def block(workload: str) -> Block:
            commands.write(f"{workload}\n")
            commands.flush()
            spent, ledger = results.readline().split()
            return float(spent), float(ledger)

        yield block
        commands.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m load_tests.self_cost", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("workloads", nargs="*", default=WORKLOADS)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="scope-cost-") as folder, ExitStack() as processes:
        environment = os.environ | isolated(Path(folder))
        blocks = {name: processes.enter_context(process(side, environment)) for name, side in SIDES.items()}
        found = [compare(workload, blocks, options.rounds) for workload in options.workloads]
    if options.json:
        print(json.dumps([{**asdict(each), "ratio": each.ratio} for each in found], indent=2))
        return 0
    heads = ("bare us", "added us", "ledger us", "noise us")
    print(f"{'workload':<12}" + "".join(f"{head:>12}" for head in heads) + f"{'ratio':>9}")
    print("\n".join(each.line() for each in found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
