"""What is wished for is read as it was written, and nothing is read out of anything else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scope.config.settings import KEYS
from scope.config.wishes import WISHABLE, Wishes, read_wishes, write_wishes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wishes.json"


@pytest.mark.parametrize("wishes", [Wishes(), Wishes("block"), Wishes("discard-newest")])
def test_wishes_are_read_as_they_were_written(path: Path, wishes: Wishes) -> None:
    write_wishes(str(path), Wishes("overwrite-oldest"))
    write_wishes(str(path), wishes)
    assert read_wishes(str(path)) == wishes
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_there_is_no_file_nothing_is_wished_for(path: Path) -> None:
    assert read_wishes(str(path)) == Wishes()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", r"\[\] is no policy"),
        ("7", "7 is no policy"),
        ('{"segment.overflow": "blok"}', "'blok' is no policy"),
        ('{"segment.overflow": ["block"]}', "is no policy"),
    ],
)
def test_what_nobody_wrote_is_refused_with_the_reason(path: Path, text: str, reason: str) -> None:
    path.write_text(text)
    with pytest.raises(ValueError, match=reason):
        read_wishes(str(path))


def test_a_link_is_not_followed(path: Path) -> None:
    (path.parent / "elsewhere").write_text('{"segment.overflow": "block"}')
    path.symlink_to("elsewhere")
    with pytest.raises(ValueError, match="symbolic links"):
        read_wishes(str(path))


def test_a_file_of_another_user_is_not_heeded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wishes(str(path), Wishes("block"))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ValueError, match="another user"):
        read_wishes(str(path))


def test_where_it_cannot_be_written_nothing_is_left_behind(path: Path) -> None:
    path.mkdir()
    (path / "full").touch()
    with pytest.raises(OSError, match="directory"):
        write_wishes(str(path), Wishes("block"))
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_keys_that_can_be_wished_for_can_change_at_run_time() -> None:
    assert all(KEYS[name].runtime for name in WISHABLE)
