"""What others have put where we write is neither followed nor waited for nor changed."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from scope.collector.errors import LockError
from scope.collector.lock import Lock
from scope.collector.log import Log
from scope.collector.own_file import open_own
from scope.collector.status import Status

THEIRS = "somebody's words"


def linked(path: Path, theirs: Path) -> None:
    path.symlink_to(theirs)


def named_twice(path: Path, theirs: Path) -> None:
    path.hardlink_to(theirs)


def fifo(path: Path, _theirs: Path) -> None:
    os.mkfifo(path)


def directory(path: Path, _theirs: Path) -> None:
    path.mkdir()


TRAPS = (linked, named_twice, fifo, directory)


@pytest.fixture(params=TRAPS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A path at which a trap waits; the file beside it must stay as it is."""
    theirs = tmp_path / "theirs"
    theirs.write_text(THEIRS)
    set_trap: Callable[[Path, Path], None] = request.param
    set_trap(tmp_path / "file", theirs)
    return tmp_path / "file"


def test_a_file_of_our_own_is_opened_and_made_private(tmp_path: Path) -> None:
    before = os.umask(0)
    for _ in range(2):
        os.close(open_own(str(tmp_path / "file"), os.O_RDWR | os.O_CREAT))
    os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_trap_is_not_opened(path: Path) -> None:
    for flags in (os.O_WRONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_APPEND):
        with pytest.raises(OSError, match="file"):
            open_own(str(path), flags)
    assert (path.parent / "theirs").read_text() == THEIRS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_the_file_of_another_user_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(THEIRS)
    os.chown(path, 65534, 65534)
    with pytest.raises(PermissionError, match="not a file of its own"):
        open_own(str(path), os.O_RDWR)


def test_a_lock_is_not_taken_there_and_says_what_to_do(path: Path) -> None:
    with pytest.raises(LockError, match="remove it, or set SCOPE_DIR"), Lock(str(path)):
        pass
    assert (path.parent / "theirs").read_text() == THEIRS


def test_a_log_is_not_written_there(path: Path) -> None:
    with pytest.raises(OSError, match="file"):
        Log(str(path))
    assert (path.parent / "theirs").read_text() == THEIRS


def test_a_log_says_what_cannot_be_encoded_and_is_private(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))
    log.handle(logging.makeLogRecord({"msg": "caf\u00e9 \udcff"}))
    log.close()
    assert (tmp_path / "log").read_text("utf-8") == "caf\u00e9 \\udcff\n"
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_a_status_replaces_what_is_there_or_is_not_written(path: Path) -> None:
    """A directory stays. Of a link or another name the file that was there is not touched."""
    was_directory = path.is_dir()
    try:
        Status(os.getpid(), 1).write(str(path))
    except OSError:
        assert was_directory
    else:
        assert path.is_file()
        assert not path.is_symlink()
    assert (path.parent / "theirs").read_text() == THEIRS


@pytest.mark.parametrize("path", [linked, named_twice, fifo], indirect=True)
def test_a_draft_of_the_status_that_is_a_trap_is_removed(path: Path) -> None:
    """What is left is ours."""
    draft = path.with_name("status.json.draft")
    path.rename(draft)
    Status(os.getpid(), 1).write(str(path.with_name("status.json")))
    assert not draft.exists()
    assert (path.parent / "theirs").read_text() == THEIRS
