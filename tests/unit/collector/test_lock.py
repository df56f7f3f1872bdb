"""One collector per directory."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

import pytest

from scope.collector import lock as lock_module
from scope.collector.errors import CollectorRuns, LockError
from scope.collector.lock import Lock


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "collector.lock")


def test_a_second_one_is_refused_and_told_who_runs_and_where(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "PATIENCE_S", 0.0)
    expected = rf"process {os.getpid()}\) already runs for {Path(path).parent}; stop it or choose another SCOPE_DIR"
    with Lock(path), pytest.raises(CollectorRuns, match=expected), Lock(path):
        pass


def test_the_lock_is_free_again_after_the_block_however_it_ends(path: str) -> None:
    with pytest.raises(ZeroDivisionError), Lock(path):
        raise ZeroDivisionError
    with Lock(path):
        pass


def test_somebody_who_only_looks_whether_a_collector_runs_is_waited_for(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(looking, fcntl.LOCK_SH)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        fcntl.flock(looking, fcntl.LOCK_UN)

    monkeypatch.setattr(time, "sleep", sleep)
    with Lock(path):
        assert len(pauses) == 1
    os.close(looking)


def test_the_file_is_the_owner_s_alone_and_holds_the_pid(path: str) -> None:
    with Lock(path):
        assert Path(path).stat().st_mode & 0o777 == 0o600
        assert Path(path).read_text() == f"{os.getpid()}\n"


def test_a_link_is_not_followed(path: str, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep")
    Path(path).symlink_to(target)
    with pytest.raises(LockError, match=r"collector\.lock: .*; remove it, or set SCOPE_DIR"), Lock(path):
        pass
    assert target.read_text() == "keep"


def test_a_directory_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(LockError, match="No such file"), Lock(str(tmp_path / "missing" / "collector.lock")):
        pass


def test_a_full_disk_keeps_nobody_from_the_lock(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with Lock(path):
            patch.setattr(lock_module, "PATIENCE_S", 0.0)
            with pytest.raises(CollectorRuns, match="process unknown"), Lock(path):
                pass
