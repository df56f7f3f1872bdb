"""What a collector says of itself."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from scope.collector.status import Status, StatusFile
from tests.unit.collector.kit import Clock


class Written:
    """A status file, and how often it was written."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.file = StatusFile(str(path), clock)
        self.status = Status(os.getpid(), time.time_ns())

    def update(self, error: str = "", *, stirred: bool = False) -> bool:
        """Whether it was due, and so written."""
        due = self.file.is_due(self.status, error, stirred=stirred)
        if due:
            self.file.update(self.status, error)
        return due

    def read(self) -> dict[str, Any]:
        return dict(json.loads(self.path.read_text()))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def written(tmp_path: Path, clock: Clock) -> Written:
    return Written(tmp_path / "collector.json", clock)


def test_it_is_written_at_first_with_what_the_process_uses(written: Written) -> None:
    assert written.update()
    found = written.read()
    assert found["pid"] == os.getpid()
    assert found["cpu_ns"] > 0
    assert 1 << 20 < found["rss_bytes"] < 1 << 32
    assert abs(found["updated_ns"] - time.time_ns()) < 60e9
    assert written.path.stat().st_mode & 0o777 == 0o600


def test_news_are_written_once_a_second_silence_every_five(written: Written, clock: Clock) -> None:
    written.update()
    assert not written.update()
    clock.advance(0.9)
    assert not written.update(stirred=True)
    clock.advance(0.2)
    assert not written.update()
    assert written.update(stirred=True)
    clock.advance(4.9)
    assert not written.update()
    clock.advance(0.2)
    assert written.update()


def test_an_error_is_written_at_once_and_so_is_its_end(written: Written, caplog: pytest.LogCaptureFixture) -> None:
    written.update()
    assert written.update("disk full")
    assert written.read()["error"] == "disk full"
    assert not written.update("disk full")
    assert written.update()
    assert written.read()["error"] == ""
    assert [record.message for record in caplog.records] == [
        "disk full; capture goes on, and this is tried again",
        "stored again",
    ]


def test_what_is_there_is_replaced_as_a_whole(written: Written, tmp_path: Path) -> None:
    written.path.write_text("x" * 10_000)
    written.file.update(written.status, "")
    assert written.read()["pid"] == os.getpid()
    assert [path.name for path in tmp_path.iterdir()] == ["collector.json"]


def test_on_a_full_disk_what_is_there_is_overwritten(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no room for a file beside it; an error has to be told all the same."""

    def refuse(draft: str, path: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    written.file.update(written.status, "")
    monkeypatch.setattr(os, "replace", refuse)
    for error in ("no room left for " + "x" * 300, "no room"):
        written.file.update(written.status, error)
        assert written.read()["error"] == error
    assert [path.name for path in tmp_path.iterdir()] == ["collector.json"]


def test_a_file_that_cannot_be_written_is_told_of_once(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    written = Written(tmp_path / "missing" / "collector.json", clock)
    for _ in range(3):
        clock.advance(6)
        written.file.update(written.status, "")
    assert [record.message for record in caplog.records] == [f"cannot write {written.path}: No such file or directory"]
