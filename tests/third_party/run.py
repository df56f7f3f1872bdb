"""Runs a framework's own tests with and without scope around every app: ``python -m tests.third_party.run starlette``.

The tests come from the source archive of the version that is installed here. Both runs go side by side in an
environment of their own, below build/suites, where their output is too. Where a test differs without an explanation in
``suites``, all are run once more, because what one test leaves behind may trouble another; exits with 1 if it differs
again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from .suites import SUITES, Suite

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PIP = ("-m", "pip", "-qq", "--disable-pip-version-check")


class Result(NamedTuple):
    """What one run of a suite gave: the outcome of each test, and what ``scope_wrap`` told."""

    outcomes: dict[str, str]
    told: dict[str, Any]
    seconds: float

    def __str__(self) -> str:
        counts = Counter(self.outcomes.values())
        told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped"))
        return f"{told} in {self.seconds:.0f} s"


class Run:
    """One run of a suite's tests, in a fresh copy of its sources."""

    def __init__(self, suite: Suite, archive: Path, python: Path, folder: Path, *, wrapped: bool) -> None:
        self._folder = folder
        self._wrapped = wrapped
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        plugins = ["-p", "outcomes", *(["-p", "scope_wrap"] if wrapped else []), "-p", "no:cacheprovider"]
        self._command = [str(python), "-m", "pytest", "-q", *plugins, *suite.arguments]
        self._sources = folder / archive.name.removesuffix(".tar.gz")

    def start(self) -> None:
        self._began = time.monotonic()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SCOPE_")} | {
            "PYTHONPATH": str(HERE),
            "SUITE_OUTCOMES": str(self._folder / "outcomes.json"),
            "SUITE_WRAPPED": str(self._folder / "wrapped.json"),
            "SCOPE_DIR": str(self._folder / "scope"),
            "SCOPE_COLLECTOR_AUTOSTART": "false",
        }
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._sources, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def finish(self) -> Result:
        """Waits for the end. Raises RuntimeError with the end of its output if pytest itself broke."""
        if self._process.wait() not in {0, 1}:
            raise RuntimeError("pytest broke:\n" + (self._folder / "log").read_text()[-5000:])
        outcomes = json.loads((self._folder / "outcomes.json").read_text())
        told = json.loads((self._folder / "wrapped.json").read_text()) if self._wrapped else {}
        return Result(outcomes, told, time.monotonic() - self._began)


def download(suite: Suite, folder: Path) -> Path:
    """The source archive of the installed version."""
    wanted = f"{suite.name}=={version(suite.name)}"
    if not list(folder.glob("*.tar.gz")):
        arguments = ("download", "--no-deps", "--no-binary", suite.name, "--dest", folder, wanted)
        subprocess.run([sys.executable, *PIP, *arguments], check=True)
    return next(folder.glob("*.tar.gz"))


def environment(suite: Suite, archive: Path, folder: Path) -> Path:
    """The Python of an environment with what the suite needs, the same Starlette as here, and scope as it is now."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, *PIP, "install", "--upgrade", "pip"], check=True)  # for --group
        with tarfile.open(archive) as tar:
            member = f"{archive.name.removesuffix('.tar.gz')}/pyproject.toml"
            tar.extract(member, folder, filter="data")
        pinned = [f"{suite.name}[{suite.extra}]=={version(suite.name)}", f"starlette=={version('starlette')}"]
        subprocess.run([python, *PIP, "install", *pinned, "--group", f"{folder / member}:{suite.group}"], check=True)
    subprocess.run([python, *PIP, "install", ROOT], check=True)
    return python


def differing(plain: Result, wrapped: Result) -> list[str]:
    tests = plain.outcomes.keys() | wrapped.outcomes.keys()
    return sorted(test for test in tests if plain.outcomes.get(test) != wrapped.outcomes.get(test))


def compare(suite: Suite, runs: tuple[Run, Run]) -> list[str]:
    """The tests whose outcome differs without an explanation; prints all that differ."""
    for run in runs:
        run.start()
    plain, wrapped = (run.finish() for run in runs)
    print(f"  without scope: {plain}")
    print(f"  with scope:    {wrapped}; through ScopeMiddleware: {wrapped.told['scopes']}")
    different = differing(plain, wrapped)
    for test in different:
        reason = suite.explained.get(test, "UNEXPLAINED")
        print(f"  {test}: {plain.outcomes.get(test)} -> {wrapped.outcomes.get(test)}: {reason}")
    if not wrapped.told["traced"]:
        return ["capture was off at the end, so this proves nothing"]
    return [test for test in different if test not in suite.explained]


def check(suite: Suite) -> bool:
    """Whether the suite does not notice scope, apart from what is explained."""
    folder = ROOT / "build" / "suites" / f"{suite.name}-{version(suite.name)}"
    folder.mkdir(parents=True, exist_ok=True)
    archive = download(suite, folder)
    python = environment(suite, archive, folder / "venv")
    runs = (
        Run(suite, archive, python, folder / "plain", wrapped=False),
        Run(suite, archive, python, folder / "wrapped", wrapped=True),
    )
    print(f"{archive.name}:")
    noticed = compare(suite, runs)
    if noticed:
        print("  once more:")
        noticed = sorted(set(noticed) & set(compare(suite, runs)))
    for test in noticed:
        print(f"  twice: {test}")
    return not noticed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="+", choices=sorted(SUITES))
    results = [check(SUITES[name]) for name in parser.parse_args().suites]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
