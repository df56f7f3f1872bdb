"""Calls of the system that fail or take long: what was committed is stored once all the same, the fault is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from scope.config import load
from scope.views.collector_status import read_status
from tests.support.servers import ROOT, attempt, collector
from tests.support.stored import listed, stored, when_stored
from tests.support.waiting import eventually

from .faults import Faults, build
from .parties import answer_all, honest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def faults(library: Path, tmp_path: Path) -> Faults:
    return Faults(library, Path(load().store_dir), tmp_path / "page")


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A directory whose calls cost little."""
    with TemporaryDirectory(dir="/dev/shm") as directory:
        yield Path(directory)


def test_whichever_call_fails_nothing_is_lost_or_stored_twice(library: Path, in_memory: Path) -> None:
    """Every ninth call of a worker and of a collector, with one error; ``make chaos`` tries all, with all errors."""
    faults = Faults(library, in_memory / "scope", in_memory / "page")
    command = [sys.executable, "-m", "tests.processes.chaos.sweep", str(in_memory), "9"]
    environment = {name: value for name, value in os.environ.items() if name != "SCOPE_DIR"}
    done = subprocess.run(
        command,
        env=environment | faults.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "; 0 of them with a bad end" in done.stdout


def error() -> str:
    status = read_status(load())
    return status.error if status else ""


@pytest.mark.parametrize(
    ("name", "functions", "said"),
    [
        ("EIO", ("pwrite", "fsync", "fdatasync"), "see to its disk"),
        ("EROFS", ("open", "pwrite", "ftruncate", "unlink"), "see to"),
        ("ENOSPC", ("pwrite",), "free some disk"),
    ],
)
def test_a_running_collector_names_what_fails_and_goes_on_by_itself(
    tmp_path: Path, faults: Faults, name: str, functions: tuple[str, ...], said: str
) -> None:
    settings = {**faults.environment, "SCOPE_COLLECTOR_COMMIT_MS": "50"}
    with collector(tmp_path, settings=settings) as collecting, honest(tmp_path, "a", 300) as worker:
        when_stored("a-0")
        faults.fail(name, *functions)
        assert said in eventually(error)
        eventually(lambda: any(advice in attempt("doctor").stdout for advice in ("see to", "free some disk")))
        answer_all(worker)
        faults.end()
        eventually(lambda: not error())
        assert collecting.stop() == 0
    assert {each.id for each in listed() if each.complete} == {f"a-{number}" for number in range(300)}
    assert stored().keys() == {f"a-{number}" for number in range(300)}
    assert "Traceback" not in collecting.output()


def test_a_slow_disk_delays_the_store_and_nobody_else(tmp_path: Path, faults: Faults) -> None:
    with collector(tmp_path, settings=faults.environment) as collecting, honest(tmp_path, "a", 200) as worker:
        when_stored("a-0")
        faults.delay(100, "pwrite", "fdatasync", "fsync")
        answer_all(worker)
        eventually(lambda: faults.calls()["pwrite"] > 10)
        faults.end()
        assert collecting.stop() == 0
    assert {each.id for each in listed() if each.complete} == {f"a-{number}" for number in range(200)}


def test_an_autostarted_collector_without_descriptors_waits_for_them(tmp_path: Path, faults: Faults) -> None:
    """It has nobody to give up to."""
    settings = {**os.environ, **faults.environment, "SCOPE_COLLECTOR_IDLE_EXIT_S": "1"}
    faults.fail("EMFILE", "open")
    with honest(tmp_path, "a", 400) as worker:
        eventually(lambda: any(Path(load().segment.dir).glob("*.seg")))
        started = subprocess.Popen([sys.executable, "-m", "scope.collector"], env=settings)
        assert "see to its permissions" in eventually(error)
        faults.end()
        answer_all(worker)
        assert started.wait(60) == 0
    assert {each.id for each in listed() if each.complete} == {f"a-{number}" for number in range(400)}
