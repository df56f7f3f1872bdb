"""Directories that hold traces are private, and what somebody else could have prepared is refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from scope.config import DirectoryError, prepare_dir


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_what_is_made_is_private_also_above(tmp_path: Path) -> None:
    prepare_dir(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / part) for part in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_a_safe_directory_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "here"
    path.mkdir(mode=0o755)
    (path / "kept").touch()
    prepare_dir(path)
    prepare_dir(str(path))
    assert (mode(path), [*path.iterdir()]) == (0o755, [path / "kept"])


@pytest.mark.parametrize("trailing", ["", "/", "/."])
def test_a_link_is_refused_however_it_is_spelt(trailing: str, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(DirectoryError, match="symbolic link"):
        prepare_dir(f"{tmp_path}/link{trailing}")


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(DirectoryError, match="symbolic link"):
        prepare_dir(tmp_path / "link")
    with pytest.raises(DirectoryError, match="cannot make"):
        prepare_dir(tmp_path / "link" / "below")


def test_a_link_above_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    prepare_dir(tmp_path / "link" / "below")
    assert mode(tmp_path / "real" / "below") == 0o700


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DirectoryError, match="not a directory"):
        prepare_dir(tmp_path / "file")
    with pytest.raises(DirectoryError, match=r"cannot make .*: Not a directory"):
        prepare_dir(tmp_path / "file" / "below")


@pytest.mark.parametrize("bits", [0o770, 0o707, 0o777])
def test_a_directory_that_others_can_write_to_is_refused_with_the_remedy(bits: int, tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.mkdir()
    path.chmod(bits)
    with pytest.raises(DirectoryError, match=f"chmod go-w {path}"):
        prepare_dir(path)
    assert mode(path) == bits


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "theirs"
    path.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(DirectoryError, match="belongs to user"):
        prepare_dir(path)


def test_a_directory_that_cannot_be_made_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, mode: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(DirectoryError, match=r"cannot make .*: No space left on device; set SCOPE_DIR"):
        prepare_dir(tmp_path / "new")


def test_a_vanished_root_does_not_recurse_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: str, mode: int) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "mkdir", gone)
    with pytest.raises(DirectoryError, match="cannot make"):
        prepare_dir("/scope-test-nowhere/below")


def test_two_processes_may_make_the_same_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = os.mkdir

    def twice(path: str, mode: int) -> None:
        make(path, mode)
        make(path, mode)

    monkeypatch.setattr(os, "mkdir", twice)
    prepare_dir(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
