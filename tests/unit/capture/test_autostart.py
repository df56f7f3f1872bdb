"""A traced process starts one collector where none runs, and never suffers for it."""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from scope.capture.autostart import is_collected, start_collector
from scope.config import Config, load
from tests.support.waiting import PATIENCE_S


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "scope").mkdir(mode=0o700)
    return load()


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python that tells how it was called instead of doing it."""
    told = tmp_path / "told"
    script = tmp_path / "python-that-tells"
    script.write_text(f'#!/bin/sh\n(echo "$@"; env; ls -l /proc/$$/fd) > {told}.new; mv {told}.new {told}\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(script))
    return told


def told_by(path: Path) -> str:
    for _ in range(500):
        if path.exists():
            return path.read_text()
        time.sleep(0.01)
    raise AssertionError("it was not started")


def test_a_collector_is_started_detached_with_the_settings_of_this_process(
    config: Config, started: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCOPE_RUN", "1")
    assert start_collector(config)
    text = told_by(started)
    assert text.startswith("-m scope.collector --detach\n")
    assert f"SCOPE_DIR={config.dir}\n" in text
    assert "SCOPE_RUN" not in text
    assert {" 0 -> /dev/null", " 2 -> /dev/null"} <= {line[-15:] for line in text.splitlines()}


def test_its_exit_status_is_taken(config: Config, started: Path) -> None:
    assert start_collector(config)
    told_by(started)
    for thread in threading.enumerate():
        if thread.name == "scope-reaper":
            assert thread.daemon
            thread.join(PATIENCE_S)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_an_application_that_waits_for_any_child_may_take_it(
    config: Config, started: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "waitpid", gone)
    assert start_collector(config)
    told_by(started)
    monkeypatch.undo()
    for _ in range(200):
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                break
        except ChildProcessError:
            break
        time.sleep(0.01)


def gone(*_: int) -> None:
    raise ChildProcessError


def test_without_a_thread_to_be_had_the_collector_runs_all_the_same(
    config: Config, started: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert start_collector(config)
    told_by(started)
    os.waitpid(-1, 0)


def test_none_is_started_where_one_runs(config: Config, started: Path) -> None:
    lock = Path(config.lock_path)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        assert not is_collected(str(lock))
        fcntl.flock(held, fcntl.LOCK_EX)
        assert is_collected(str(lock))
        assert not start_collector(config)
    assert not is_collected(str(lock))
    assert not started.exists()


@pytest.mark.parametrize("executable", ["", None, "/usr/sbin/uwsgi", "/nowhere/python3", "/etc/hostname-python"])
def test_without_a_python_the_log_says_what_to_do(
    executable: str | None, config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    assert not start_collector(config)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "run: scope collect" in record.getMessage()


def test_a_lock_that_is_a_link_or_not_there_is_held_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert not is_collected(str(tmp_path / "link"))
    assert not is_collected(str(tmp_path / "nowhere"))
