"""Where the suites run: an environment of their own below build/, with scope as it is now."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .suite import HERE, Suite

ROOT = HERE.parents[2]
PIP = ("-m", "pip", "-qq", "--disable-pip-version-check")
MOST_S = 900
# As python -m pytest, but that the plug-in is there before any of the package's own that its settings may name.
PYTEST = "import sys, probing_plugin, pytest; sys.exit(pytest.main(sys.argv[1:], plugins=[probing_plugin]))"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of each test, what was recorded, and how long it took."""

    outcomes: dict[str, str]
    told: dict[str, int]
    seconds: float

    def __str__(self) -> str:
        counts = Counter(self.outcomes.values())
        told = ", ".join(
            f"{counts[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped") if counts[outcome]
        )
        return f"{told or 'no test'} in {self.seconds:.0f} s"


class Environment:
    """For the interpreter that runs this; functions are recorded as deep as ``level`` says."""

    def __init__(self, level: str = "timing") -> None:
        self._level = level
        self._folder = ROOT / "build" / "probed" / f"{sys.version_info.major}.{sys.version_info.minor}"

    @cached_property
    def _python(self) -> Path:
        """Made on first use; scope is installed anew where it has changed."""
        python, installed = self._folder / "venv" / "bin" / "python", self._folder / "installed"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", self._folder / "venv"], check=True)
        newest = str(max(path.stat().st_mtime_ns for path in (ROOT / "scope").rglob("*.[pch]*")))
        if not installed.exists() or installed.read_text() != newest:
            subprocess.run([python, *PIP, "install", "pytest", ROOT], check=True)
            installed.write_text(newest)
        return python

    def run(self, suite: Suite, engine: str) -> Result:
        """The outcome of all tests, recorded by an engine or, without one, plain.

        Raises RuntimeError, with the end of the output, where none was written.
        """
        folder = self._folder / suite.name / (engine or "plain")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        command, where = self._interpreters(suite, folder) if suite.is_interpreters else self._package(suite, folder)
        variables = {
            "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}",
            "PROBED_MODULES": ",".join(suite.modules) if engine else "",
            "PROBED_ENGINE": engine,
            "PROBED_LEVEL": self._level,
            "SUITE_OUTCOMES": str(folder / "outcomes.json"),
            "SUITE_TOLD": str(folder / "told.json"),
        }
        began = time.monotonic()
        with (folder / "log").open("w") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
            subprocess.run(
                command,
                cwd=where,
                env=os.environ | variables,
                check=False,
                timeout=MOST_S,
                **streams,  # type: ignore[call-overload]
            )
        try:
            outcomes, told = (json.loads((folder / name).read_text()) for name in ("outcomes.json", "told.json"))
        except FileNotFoundError:
            end = (folder / "log").read_text(errors="replace")[-3000:]
            raise RuntimeError(f"the tests of {suite} broke:\n{end}") from None
        return Result(outcomes, told, time.monotonic() - began)

    def _interpreters(self, suite: Suite, folder: Path) -> tuple[list[str | Path], Path]:
        return [self._python, HERE / "python_worker.py", suite.name], folder

    def _package(self, suite: Suite, folder: Path) -> tuple[list[str | Path], Path]:
        with tarfile.open(self._installed(suite)) as tar:
            tar.extractall(folder, filter="data")
        (sources,) = (path for path in folder.iterdir() if path.is_dir())
        plugins = ["-p", "outcomes", "-p", "no:cacheprovider"]
        if not _is_configured(sources):  # or pytest would go on to look above, and find ours
            (sources / "pytest.ini").write_text("[pytest]\n")
        return [self._python, "-c", PYTEST, "-q", *plugins, *suite.arguments], sources

    def _installed(self, suite: Suite) -> Path:
        """The source archive of the package, which is installed with what its tests need."""
        wanted = f"{suite.name}=={suite.version}" if suite.version else suite.name
        folder = self._folder / suite.name
        if not list(folder.glob("*.tar.gz")):
            subprocess.run([self._python, *PIP, "install", wanted, *suite.needs], check=True)
            arguments = ("download", "--no-deps", "--no-binary", suite.name, "--dest", folder, wanted)
            subprocess.run([self._python, *PIP, *arguments], check=True)
        return next(folder.glob("*.tar.gz"))


def _is_configured(sources: Path) -> bool:
    """Whether the package says how pytest is to run."""
    marks = {"pytest.ini": "", "pyproject.toml": "[tool.pytest", "tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]"}
    files = {sources / name: mark for name, mark in marks.items()}
    return any(path.exists() and mark in path.read_text(encoding="utf-8") for path, mark in files.items())
