"""Which files of a directory are segments, and that the others are left alone."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scope._core import Segment
from scope.collector import files as files_module
from scope.collector.files import SegmentFiles, is_anyone_there
from scope.config import load
from tests.unit.collector.kit import process, settings

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture
def directory() -> Path:
    return Path(settings().segment.dir)


@pytest.fixture
def files(directory: Path) -> SegmentFiles:
    return SegmentFiles(str(directory))


def found(files: SegmentFiles, *known: str) -> list[str]:
    names: list[str] = []
    for name, segment in files.look(known):
        names.append(name)
        segment.close()
    return names


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records]


def sound(directory: Path) -> bytes:
    with process("sound.seg") as traced:
        data = traced.path.read_bytes()
        traced.path.unlink()
    return data


def test_segments_beyond_those_known_are_found(files: SegmentFiles) -> None:
    with process("a.seg"), process("b.seg"):
        assert found(files) == ["a.seg", "b.seg"]
        assert found(files, "a.seg") == ["b.seg"]
        assert files.seen_all


def test_files_of_other_names_are_not_looked_at(files: SegmentFiles, directory: Path) -> None:
    (directory / "notes.txt").write_text("hello")
    os.utime(directory / "notes.txt", LONG_AGO)
    assert found(files) == []
    assert len(files) == 0


def _garbage(path: Path, _: bytes) -> None:
    path.write_bytes(b"no segment at all" * 1000)


def _empty(path: Path, _: bytes) -> None:
    path.touch()


def _cut(path: Path, data: bytes) -> None:
    path.write_bytes(data[:-1])


def _other_version(path: Path, data: bytes) -> None:
    path.write_bytes(data[:12] + b"\x01" + data[13:])


def _unknown_feature(path: Path, data: bytes) -> None:
    path.write_bytes(data[:16] + b"\x01" + data[17:])


def _bent_offset(path: Path, data: bytes) -> None:
    path.write_bytes(data[:88] + b"\xff" * 8 + data[96:])


def _unfinished(path: Path, data: bytes) -> None:
    path.write_bytes(data[:8] + b"\0" + data[9:])


def _fifo(path: Path, _: bytes) -> None:
    os.mkfifo(path)


def _directory(path: Path, _: bytes) -> None:
    path.mkdir()


def _link(path: Path, data: bytes) -> None:
    path.with_suffix(".target").write_bytes(data)
    path.symlink_to(path.with_suffix(".target"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_garbage, "the magic is missing"),
        (_empty, "too short for a header"),
        (_cut, "its length is not the one it promises"),
        (_other_version, "another major version of the format"),
        (_unknown_feature, "features that this version does not know"),
        (_bent_offset, "its offsets do not follow from its sizes"),
        (_unfinished, "its process is still making it or died"),
        (_fifo, "not a regular file"),
        (_directory, "Is a directory"),
        (_link, "Too many levels of symbolic links"),
    ],
)
def test_what_is_no_sound_segment_is_named_once_with_the_reason_and_left_alone(
    files: SegmentFiles,
    directory: Path,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path, bytes], None],
    reason: str,
) -> None:
    path = directory / "strange.seg"
    make(path, sound(directory))
    os.utime(path, LONG_AGO, follow_symlinks=False)
    with process("a.seg"):
        for _ in range(3):
            assert found(files, "b.seg") == ["a.seg"]
    [warning] = warnings(caplog)
    assert warning.startswith("left alone: ")
    assert "strange.seg" in warning
    assert reason in warning
    assert os.path.lexists(path)
    assert len(files) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_segment_of_another_user_is_left_alone(
    files: SegmentFiles, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = directory / "foreign.seg"
    path.write_bytes(sound(directory))
    os.utime(path, LONG_AGO)
    os.chown(path, 12345, -1)
    assert found(files) == []
    assert "it belongs to another user" in warnings(caplog)[0]


def test_a_file_that_was_left_alone_is_looked_at_again_when_it_changes(files: SegmentFiles, directory: Path) -> None:
    path = directory / "late.seg"
    _garbage(path, b"")
    os.utime(path, LONG_AGO)
    assert found(files) == []
    path.write_bytes(sound(directory))
    assert found(files) == ["late.seg"]
    assert len(files) == 0


def test_a_file_that_is_removed_is_no_longer_counted(files: SegmentFiles, directory: Path) -> None:
    path = directory / "gone.seg"
    _garbage(path, b"")
    os.utime(path, LONG_AGO)
    found(files)
    path.unlink()
    found(files)
    assert len(files) == 0


def test_a_young_file_may_become_a_segment_and_is_not_complained_of_yet(
    files: SegmentFiles, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = directory / "young.seg"
    _unfinished(path, sound(directory))
    soon_ns = time.time_ns() + 3_600_000_000_000  # whatever this machine does meanwhile
    os.utime(path, ns=(soon_ns, soon_ns))
    assert found(files) == []
    assert warnings(caplog) == []
    path.write_bytes(sound(directory))
    assert found(files) == ["young.seg"]


def test_a_want_of_descriptors_is_no_fault_of_the_file(
    files: SegmentFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is opened once that is over; a segment does not change its size or time by being written to."""

    def refuse(path: str) -> Segment:
        raise OSError(errno.EMFILE, "Too many open files", path)

    with process("a.seg") as traced:
        os.utime(traced.path, LONG_AGO)
        with monkeypatch.context() as patch:
            patch.setattr(files_module, "Segment", refuse)
            for _ in range(3):
                assert found(files) == []
            assert not files.seen_all
        assert found(files) == ["a.seg"]
        assert files.seen_all
    assert len(warnings(caplog)) == 1


def test_a_directory_that_cannot_be_listed_is_told_of_once_and_nothing_is_forgotten(
    files: SegmentFiles, directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = directory / "strange.seg"
    _garbage(path, b"")
    os.utime(path, LONG_AGO)
    assert found(files) == []
    caplog.clear()

    def refuse(path: str) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", refuse)
        for _ in range(3):
            assert found(files) == []
        assert not files.seen_all
        assert len(files) == 1
    assert warnings(caplog) == [f"cannot look for segments in {directory}: Permission denied"]
    found(files)
    assert len(warnings(caplog)) == 1


def test_a_directory_that_is_gone_has_no_segments(
    files: SegmentFiles, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(directory)
    assert found(files) == []
    assert files.seen_all
    assert warnings(caplog) == []


def test_what_is_stored_is_removed_unless_somebody_did_or_it_is_left_alone(
    files: SegmentFiles, directory: Path
) -> None:
    with process("a.seg") as stored, process("b.seg") as unsound:
        files.remove("a.seg")
        assert not stored.path.exists()
        files.remove("a.seg")
        files.leave_alone("b.seg", "unsound")
        files.remove("b.seg")
        assert unsound.path.exists()


def test_what_cannot_be_removed_is_not_taken_up_again(
    files: SegmentFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", path)

    with process("a.seg"):
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", refuse)
            files.remove("a.seg")
        assert found(files) == []
    assert "it is stored but cannot be removed: Operation not permitted" in warnings(caplog)[0]


def test_somebody_is_there_while_a_segment_s_process_lives(directory: Path) -> None:
    _garbage(directory / "strange.seg", b"")
    assert not is_anyone_there(str(directory))
    with process("a.seg") as traced:
        assert is_anyone_there(load().segment.dir)
        traced.die()
        assert not is_anyone_there(load().segment.dir)
    assert not is_anyone_there(str(directory / "missing"))
