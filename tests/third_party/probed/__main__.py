"""Runs foreign tests plain and with every function of a package recorded, and compares them test by test.

    python -m tests.third_party.probed attrs jinja2 test_generators
    build/monitoring/venv/bin/python -m tests.third_party.probed --engine monitoring attrs

A name that begins with ``test_`` is a file of the interpreter's own tests, whose functions are recorded; any other is
a package. Without a name all of suites.toml are run. Of a package that is not in it, its source archive is expected to
have its tests in ``tests``, and its module to be called as it is. Exits with 1 where an outcome differs and suites.toml
does not say why.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from .environment import Environment
from .suite import Suite, known, suite_of


def differing(plain: dict[str, str], probed: dict[str, str]) -> list[str]:
    tests = plain.keys() | probed.keys()
    return sorted(test for test in tests if plain.get(test) != probed.get(test))


def check(suite: Suite, environment: Environment, engine: str) -> bool:
    """Whether the tests do not notice, apart from what is explained. Prints what differs."""
    plain, probed = environment.run(suite, ""), environment.run(suite, engine)
    print(f"{suite}: plain {plain}; recorded by {engine} {probed}, {probed.told.get('modules')} modules", flush=True)
    different = differing(plain.outcomes, probed.outcomes)
    for test in different:
        reason = suite.explained.get(test, "UNEXPLAINED")
        print(f"  {test}: {plain.outcomes.get(test)} -> {probed.outcomes.get(test)}: {reason}", flush=True)
    if not probed.told.get("modules") or probed.told["bytes"] < 1000:
        print("  nothing was recorded, so this proves nothing")
        return False
    return bool(plain.outcomes) and all(test in suite.explained for test in different)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument(
        "--level", default="timing", choices=("timing", "values", "locals", "lines"), help="how deep: timing"
    )
    parser.add_argument("--engine", choices=("ast", "monitoring"), default="ast", help="by which engine: ast")
    arguments = parser.parse_args()
    suites = [suite_of(name) for name in arguments.names or known()]
    environment = Environment(arguments.level)
    try:
        results = [check(suite, environment, arguments.engine) for suite in suites]
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
