"""A session directory with requests of every kind in it, and the command line to look at it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from click.testing import CliRunner, Result

from scope.views.cli import cli

if TYPE_CHECKING:
    from collections.abc import Generator

PROCESS = Path(__file__).with_name("traced_process.py")


class Scope(Protocol):
    """``scope`` with its arguments; in this process, so quick."""

    def __call__(self, *arguments: str) -> Result: ...


@dataclass(frozen=True)
class Traced:
    """A directory, and the process that fills it."""

    directory: Path
    process: subprocess.Popen[bytes]


def clean_environment() -> dict[str, str]:
    """That of the tests, without settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SCOPE_")}


def run_scope(directory: Path, *arguments: str, timeout: float = 30) -> subprocess.CompletedProcess[bytes]:
    """``python -m scope`` in a process of its own."""
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(directory), *arguments]
    return subprocess.run(command, env=clean_environment(), capture_output=True, timeout=timeout, check=False)


@contextmanager
def tracing(directory: Path) -> Generator[Traced]:
    """Requests that ended, and one that goes on; all is stored, no collector runs."""
    environment = clean_environment() | {"SCOPE_DIR": str(directory), "SCOPE_COLLECTOR_AUTOSTART": "false"}
    with subprocess.Popen(
        [sys.executable, "-P", str(PROCESS)],
        env={**environment, "SCOPE_SERVICE": "shop"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        collected = run_scope(directory, "collect", "--once")
        assert collected.returncode == 0, collected.stderr
        yield Traced(directory, process)
        process.kill()


@pytest.fixture(scope="session")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Generator[Traced]:
    with tracing(tmp_path_factory.mktemp("traced") / "scope") as traced:
        yield traced


@pytest.fixture
def scope(traced: Traced) -> Scope:
    """The command line, looking at what was traced."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--dir", str(traced.directory), *arguments], prog_name="scope")

    return run


@pytest.fixture(scope="session")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store that has nothing in it."""
    directory = tmp_path_factory.mktemp("idle") / "scope"
    assert run_scope(directory, "collect", "--once").returncode == 0
    return directory


@pytest.fixture
def traced_store(traced: Traced) -> Path:
    return traced.directory / "store"
