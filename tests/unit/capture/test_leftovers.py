"""What dead processes left is bounded; nothing else is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scope import _core
from scope.capture.leftovers import remove_leftovers

SIZES = "lanes=1, first_lane_bytes=32768, lane_bytes=32768, definitions_bytes=4096"
TAKEN = 4096 * 4 + 32768


def left_by_the_dead(directory: Path, count: int) -> list[Path]:
    """Segments of processes that are gone, oldest first."""
    code = f"import sys; from scope import _core; [_core.Session(path, {SIZES}) for path in sys.argv[1:]]"
    paths = [directory / f"{number}.seg" for number in range(count)]
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True)
    for number, path in enumerate(paths):
        os.utime(path, ns=(number * 1_000_000_000, number * 1_000_000_000))
    return paths


@pytest.mark.parametrize("kept", [0, 1, 3, 5])
def test_the_oldest_go_until_the_rest_fits(kept: int, tmp_path: Path) -> None:
    paths = left_by_the_dead(tmp_path, 4)
    taken = paths[0].stat().st_blocks * 512
    assert remove_leftovers(str(tmp_path), kept * taken + taken // 2) == max(4 - kept, 0)
    assert [path.exists() for path in paths] == [index >= 4 - kept for index in range(4)]


def test_what_lives_or_is_no_segment_stays(tmp_path: Path) -> None:
    (dead,) = left_by_the_dead(tmp_path, 1)
    session = _core.Session(str(tmp_path / "live.seg"))
    (tmp_path / "foreign.seg").write_bytes(b"not a segment")
    (tmp_path / "other.txt").write_bytes(b"x")
    (tmp_path / "link.seg").symlink_to(dead)
    (tmp_path / "folder.seg").mkdir()
    os.mkfifo(tmp_path / "pipe.seg")
    assert remove_leftovers(str(tmp_path), 0) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "folder.seg", "foreign.seg", "link.seg", "live.seg", "other.txt", "pipe.seg",
    ]  # fmt: skip
    session.close()


def test_one_that_another_process_removes_first_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left_by_the_dead(tmp_path, 2)
    unlink = os.unlink

    def too_late(path: str) -> None:
        unlink(path)
        unlink(path)

    monkeypatch.setattr(os, "unlink", too_late)
    assert remove_leftovers(str(tmp_path), 0) == 0
    assert [*tmp_path.iterdir()] == []


def test_a_directory_that_is_not_there_is_the_callers_to_know(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        remove_leftovers(str(tmp_path / "nowhere"), 0)
