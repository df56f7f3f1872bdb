"""``python -m load_tests.functions``: what recording functions costs, beside other tools; see load_tests/README.md."""

from __future__ import annotations

import argparse
import os
import sys

from .environment import prepare
from .interpreters import interpreters
from .measuring import measure
from .report import checks, table
from .variants import variants


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    missed = 0
    for interpreter in interpreters(options.interpreters):
        print(f"preparing {interpreter} ...", file=sys.stderr)
        environment = prepare(interpreter)
        print(f"measuring {interpreter} ...", file=sys.stderr)
        wanted = variants(interpreter.minor)
        figures = measure(environment, wanted, options.sets, options.rounds)
        judged = checks(figures)
        missed += sum(not check.met for check in judged)
        print("\n".join((environment.title, *table(figures, list(wanted)), *map(str, judged), "")), flush=True)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; {missed} limits missed")
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.functions", description=__doc__)
    which = "interpreters to measure; default: the newest of each version that is found on the PATH or of pyenv"
    parser.add_argument("interpreters", nargs="*", metavar="PYTHON", help=which)
    parser.add_argument("--sets", type=int, default=3, help="sets of processes; a figure is their median")
    parser.add_argument("--rounds", type=int, default=40, help="rounds of each set; what counts is the quickest")
    return parser


if __name__ == "__main__":
    sys.exit(main())
