"""Trouble with disks: full, locked, not writable. Capture goes on, and the collector recovers by itself."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from scope.config import load
from scope.store import Writer
from scope.views.collector_status import read_status
from tests.support.disks import fill, needs_root, small_disk
from tests.support.load import loaded
from tests.support.servers import Running, Server, attempt, collector, scope, server
from tests.support.stored import stored, when_stored
from tests.support.waiting import eventually

if TYPE_CHECKING:
    import pytest

MEMORY = {"SCOPE_COLLECTOR_MEMORY_BYTES": "512MiB"}
"""Room for all that is answered until the trouble ends; with less, lanes lap, and that is counted."""


def error() -> str:
    status = read_status(load())
    return status.error if status else ""


def check_recovery(collecting: Running, running: Server, end_trouble: object) -> None:
    """While the store takes nothing it is told of and the application answers; then everything is there, once."""
    assert callable(end_trouble)
    with loaded(running.port) as load_:
        eventually(error)
        load_.wait_for(50)
        refused = error()
        assert "main.db" in refused or "slices" in refused
        assert attempt("doctor").returncode == 1
        assert refused in attempt("doctor").stdout
        end_trouble()
        eventually(lambda: not error())
        load_.wait_for(50)
    assert running.stop() < 0
    assert collecting.stop() == 0
    done = stored()
    assert done.keys() >= load_.answered
    assert all(each.complete for each in done.values())
    assert collecting.output().count("capture goes on") == 1


def test_a_store_that_may_not_grow_recovers_when_it_may(tmp_path: Path) -> None:
    """A file-size limit acts as a full disk does: what is written fails, what is there stays."""
    with server(tmp_path) as running, collector(tmp_path, settings=MEMORY) as collecting:
        running.get("/hello/you", "before")
        when_stored("before", lambda each: each.complete)
        soft, hard = resource.prlimit(collecting.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        check_recovery(
            collecting, running, lambda: resource.prlimit(collecting.pid, resource.RLIMIT_FSIZE, (soft, hard))
        )


def test_a_store_that_somebody_locks_recovers_when_it_is_let_go(tmp_path: Path) -> None:
    with server(tmp_path) as running, collector(tmp_path, settings=MEMORY) as collecting:
        running.get("/hello/you", "before")
        when_stored("before", lambda each: each.complete)
        other = sqlite3.connect(Path(load().store_dir, "main.db"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        check_recovery(collecting, running, other.close)


@needs_root
def test_a_full_disk_recovers_when_there_is_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "disk", "16m") as disk:
        monkeypatch.setenv("SCOPE_DIR", str(disk / "scope"))
        monkeypatch.setenv("SCOPE_SEGMENT_DIR", str(tmp_path / "segments"))
        with server(tmp_path) as running, collector(tmp_path, settings=MEMORY) as collecting:
            running.get("/hello/you", "before")
            when_stored("before", lambda each: each.complete)
            fill(disk / "filler")
            check_recovery(collecting, running, (disk / "filler").unlink)


@needs_root
def test_without_room_for_a_segment_the_application_runs_untraced_and_the_log_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        monkeypatch.setenv("SCOPE_SEGMENT_DIR", str(disk / "segments"))
        with server(tmp_path) as running:
            assert all(running.get("/hello/you").status == 200 for _ in range(5))
            assert running.output().count("are not traced") == 1
            assert "No space left on device" in running.output()
            assert list((disk / "segments").iterdir()) == []


def test_without_a_directory_to_write_to_the_application_runs_untraced_and_the_log_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SCOPE_DIR", str(tmp_path / "file" / "scope"))
    with server(tmp_path) as running:
        assert all(running.get("/hello/you").status == 200 for _ in range(5))
        assert running.output().count("are not traced") == 1
        assert "set SCOPE_DIR to a directory that you can write to" in running.output()
    refused = attempt("collect", "--once")
    assert refused.returncode == 1
    assert "set SCOPE_DIR to a directory that you can write to" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_store_that_another_writer_holds_is_an_error_in_words_and_loses_nothing(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        running.get("/hello/you", "a")
        with Writer(Path(load().store_dir), load().store):
            refused = attempt("collect")
            assert refused.returncode == 1
            assert "another collector writes to" in refused.stderr
            assert "Traceback" not in refused.stderr
        scope("collect", "--once")
        assert stored()["a"].complete


def test_a_store_that_is_none_is_an_error_in_words_and_loses_nothing(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        running.get("/hello/you", "a")
        strange = Path(load().store_dir, "main.db")
        strange.parent.mkdir(mode=0o700)
        strange.write_bytes(b"no database" * 1000)
        refused = attempt("collect", "--once")
        assert refused.returncode == 4
        assert "is damaged or no store of scope" in refused.stderr
        assert "move it away" in refused.stderr
        strange.unlink()
        scope("collect", "--once")
        assert stored()["a"].complete


@needs_root
def test_a_store_on_a_read_only_disk_is_an_error_in_words_and_loses_nothing(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        running.get("/hello/you", "a")
        with small_disk(Path(load().store_dir), "16m") as disk:
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            refused = attempt("collect", "--once")
            assert refused.returncode == 1
            assert "see to its permissions" in refused.stderr
            assert "Traceback" not in refused.stderr
            subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
            scope("collect", "--once")
            assert stored()["a"].complete
