"""Directories and files that somebody else owns, can write to or has planted: refused in words, and never followed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scope.config import load, prepare_dirs
from tests.support.servers import attempt, collector
from tests.support.stored import listed, when_stored

from .parties import answer_all, honest

if TYPE_CHECKING:
    from collections.abc import Callable

NOBODY = 65534
THEIRS = "somebody's words"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as a second user")


def given_away(path: Path) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, NOBODY, NOBODY)


def open_to_the_group(path: Path) -> None:
    path.mkdir()
    path.chmod(0o770)


def open_to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o1777)


def linked(path: Path) -> None:
    path.with_name("elsewhere").mkdir(mode=0o700)
    path.symlink_to(path.with_name("elsewhere"))


UNSAFE = [
    pytest.param("SCOPE_DIR", given_away, "it belongs to user 65534", marks=needs_root),
    pytest.param("SCOPE_SEGMENT_DIR", given_away, "it belongs to user 65534", marks=needs_root),
    ("SCOPE_DIR", open_to_the_group, "others can write to it; run: chmod go-w"),
    ("SCOPE_SEGMENT_DIR", open_to_all, "others can write to it; run: chmod go-w"),
    ("SCOPE_DIR", linked, "it is a symbolic link; name the directory itself"),
]


@pytest.mark.parametrize(("variable", "planted", "said"), UNSAFE)
def test_in_an_unsafe_directory_nobody_writes_and_everybody_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, planted: Callable[[Path], None], said: str
) -> None:
    path = tmp_path / "unsafe"
    planted(path)
    monkeypatch.setenv(variable, str(path))
    with honest(tmp_path, "a", 3) as worker:
        answer_all(worker)
    assert worker.output().count("are not traced") == 1
    assert said in worker.output()
    for command in (("collect", "--once"), ("doctor",)):
        done = attempt(*command)
        assert done.returncode == 1
        assert f"{path}" in done.stdout + done.stderr
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert list(path.iterdir()) == []


@needs_root
def test_a_store_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    with honest(tmp_path, "a", 3) as worker:
        answer_all(worker)
    store = Path(load().store_dir)
    store.mkdir()
    store.chmod(0o777)
    refused = attempt("collect", "--once")
    assert refused.returncode != 0
    assert f"{store} is not safe to write to: others can write to it; run: chmod go-w {store}" in refused.stderr
    store.chmod(0o700)
    assert attempt("collect", "--once").returncode == 0
    assert {each.id for each in listed()} == {"a-0", "a-1", "a-2"}


@needs_root
def test_another_user_gets_at_nothing_of_a_running_session(tmp_path: Path) -> None:
    """Also where the directories above are open to all."""
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    tries = """
        for folder; do
            ls "$folder" || ln -s /etc/passwd "$folder/x.seg" || mv "$folder" "${folder}x" || continue
            echo "got at $folder"
        done
    """
    folders = [load().dir, load().segment.dir, load().store_dir]
    command = ["sh", "-c", tries, "sh", *folders]
    with collector(tmp_path), honest(tmp_path, "a", 100) as worker:
        when_stored("a-0")
        done = subprocess.run(
            command, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True, text=True, check=True
        )
        answer_all(worker)
    assert done.stdout == ""
    assert done.stderr.count("Permission denied") == 3 * len(folders)


def second_name(path: Path, sound: Path) -> None:
    path.hardlink_to(sound)


def link(path: Path, sound: Path) -> None:
    path.symlink_to(sound)


def folder(path: Path, _sound: Path) -> None:
    path.mkdir()


def fifo(path: Path, _sound: Path) -> None:
    os.mkfifo(path)


def device(path: Path, _sound: Path) -> None:
    """The one that gives zeroes without end."""
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))


def foreign(path: Path, sound: Path) -> None:
    path.write_bytes(sound.read_bytes())
    os.chown(path, NOBODY, NOBODY)


def test_what_only_looks_like_a_segment_is_left_as_it_is(tmp_path: Path) -> None:
    plants = [second_name, link, folder, fifo, *([device, foreign] if os.geteuid() == 0 else [])]
    with honest(tmp_path, "a", 5) as worker:
        answer_all(worker)
    [sound] = Path(load().segment.dir).glob("*.seg")
    planted: dict[Path, os.stat_result] = {}
    for plant in plants:
        path = sound.with_name(f"0-{plant.__name__}.seg")
        plant(path, sound)
        os.utime(path, (1, 1), follow_symlinks=False)
        planted[path] = path.lstat()
    done = attempt("collect", "--once")
    assert done.returncode == 0, done.stderr
    assert {each.id for each in listed() if each.complete} == {f"a-{number}" for number in range(5)}
    for path, before in planted.items():
        assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
        assert done.stderr.count(f"{path}") == 1
    assert not sound.exists()


LOCK = ("collector.lock",)
OTHERS = ("collector.log", "collector.json", "collector.json.draft")


@pytest.mark.parametrize(("names", "code"), [(LOCK, 1), (OTHERS, 0)])
@pytest.mark.parametrize("make_link", [Path.symlink_to, Path.hardlink_to])
def test_links_where_the_collector_writes_lead_it_nowhere(
    tmp_path: Path, names: tuple[str, ...], code: int, make_link: Callable[[Path, Path], None]
) -> None:
    prepare_dirs(load())
    theirs = tmp_path / "theirs"
    theirs.write_text(THEIRS)
    for name in names:
        make_link(Path(load().dir, name), theirs)
    started = [sys.executable, "-m", "scope.collector"]
    done = subprocess.run(started, env={**os.environ, "SCOPE_COLLECTOR_IDLE_EXIT_S": "1"}, timeout=60, check=False)
    assert done.returncode == code
    assert theirs.read_text() == THEIRS
