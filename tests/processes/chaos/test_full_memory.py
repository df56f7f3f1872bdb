"""Shared memory that fills up while a process is traced: it answers everything, tells what it lost, and goes on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from scope.wire.segment import SegmentFile
from tests.support.disks import fill, needs_root, small_disk
from tests.support.gates import Gates
from tests.support.servers import attempt, collector, server
from tests.support.stored import span_names, stored, when_stored
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from scope.model import RequestSummary
    from tests.support.servers import Server

pytestmark = needs_root


@dataclass(frozen=True)
class Full:
    """A traced server, collected from, that has answered a request; since then its shared memory is full."""

    server: Server
    filler: Path

    def answers(self, path: str, id: str) -> None:
        assert self.server.get(path, id).status == 200

    def make_room(self) -> None:
        self.filler.unlink()

    def answers_until_complete(self, path: str) -> RequestSummary:
        """The first request recorded whole. Each thread asks for memory again now and then, for itself."""
        numbers = count()

        def answered() -> list[RequestSummary]:
            self.answers(path, f"after-{next(numbers)}")
            return [each for each in stored().values() if each.id.startswith("after-") and each.complete]

        return eventually(answered, pause_s=0.2)[0]

    def definitions(self) -> int:
        [path] = (self.filler.parent / "segments").glob("*.seg")
        with SegmentFile(path) as segment:
            return len(segment.definitions())

    def check_told(self, reason: str = "no_space, for want of memory") -> None:
        """By the log of the application, once; by ``scope doctor``, with what to do."""
        assert self.server.output().count("no memory left") == 1
        assert "set segment.dir to another place" in self.server.output()
        said = eventually(lambda: _said_by_doctor(reason))
        assert said.count("free some, set segment.dir to another place") == 1


def _said_by_doctor(reason: str) -> str:
    said = attempt("doctor").stdout
    return said if reason in said else ""


@contextmanager
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Full]:
    """Its one segment is on a disk of its own; what is stored at the end is each request once."""
    gates = Gates(tmp_path / "gates")
    with small_disk(tmp_path / "disk", "4m") as disk:
        monkeypatch.setenv("SCOPE_SEGMENT_DIR", str(disk / "segments"))
        with server(tmp_path, settings=gates.environment) as running, collector(tmp_path) as collecting:
            running.get("/hello/you", "before")
            when_stored("before", lambda each: each.complete)
            fill(disk / "filler")
            yield Full(running, disk / "filler")
            running.stop()
            assert collecting.stop() == 0
            stored()
            assert "Traceback" not in running.output() + collecting.output()


def _lossy(each: RequestSummary) -> bool:
    return each.lost > 0 and not each.complete


def _complete(each: RequestSummary) -> bool:
    return each.complete


def test_a_process_that_begins_on_full_memory_is_untraced_and_the_next_one_is_traced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk:
        monkeypatch.setenv("SCOPE_SEGMENT_DIR", str(disk / "segments"))
        fill(disk / "filler")
        with server(tmp_path, name="first") as running, collector(tmp_path):
            assert all(running.get("/hello/you", f"first-{number}").status == 200 for number in range(3))
            assert running.output().count("are not traced") == 1
            assert "No space left on device" in running.output()
            doctor = attempt("doctor")
            assert (doctor.returncode, "free some, set segment.dir to another place" in doctor.stdout) == (1, True)
            (disk / "filler").unlink()
            assert running.get("/hello/you", "first-3").status == 200
            with server(tmp_path, name="second") as another:
                another.get("/hello/you", "second")
                when_stored("second", _complete)
            assert running.output().count("are not traced") == 1
    assert stored().keys() == {"second"}


def test_a_thread_that_gets_no_memory_for_its_lane_has_one_when_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with full(tmp_path, monkeypatch) as running:
        for number in range(3):
            running.answers("/threaded/100", f"full-{number}")
        assert when_stored("full-2", _lossy).lost >= 100
        running.check_told()
        running.make_room()
        assert running.answers_until_complete("/threaded/1100").events > 1100


def test_names_that_get_no_memory_are_in_the_records_and_defined_when_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with full(tmp_path, monkeypatch) as running:
        running.answers("/named/full-100", "full")
        assert len(span_names(when_stored("full", lambda each: each.state == "done"))) == 100
        running.answers("/hello/you", "next")
        running.check_told("definitions_full, names that had no room left")
        defined = running.definitions()
        running.make_room()
        running.answers("/named/after-20", "after")
        assert len(span_names(when_stored("after", _complete))) == 20
        assert running.definitions() == defined + 20


def test_a_lane_that_gets_no_memory_for_its_lap_goes_on_when_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = Gates(tmp_path / "gates")
    with full(tmp_path, monkeypatch) as running:
        gates.open("open-0")
        running.answers("/many/open-1-20000", "full")
        running.answers("/hello/you", "next")
        running.check_told()
        running.make_room()
        assert running.answers_until_complete("/many/open-1-1000").events > 1000
        assert not stored()["full"].complete
