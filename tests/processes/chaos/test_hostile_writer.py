"""Workers that write into their segment what no writer ever would cost nobody else a request."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from scope.config import load
from tests.support.servers import attempt, collector
from tests.support.stored import listed

from .hostile import DAMAGES
from .parties import Cost, answer_all, honest, hostile

REQUESTS = 200
MOST_BYTES = 160 << 20
"""The collector's bound of 64 MiB and as much again, and what Python takes."""


def complete(name: str) -> set[str]:
    """The requests of a worker that are stored whole."""
    return {each.id for each in listed() if each.id.startswith(f"{name}-") and each.complete}


def names(name: str) -> set[str]:
    return {f"{name}-{number}" for number in range(REQUESTS)}


def test_damage_of_all_kinds_at_once_costs_the_others_nothing(tmp_path: Path) -> None:
    with collector(tmp_path) as collecting, ExitStack() as stack:
        for way in DAMAGES:
            stack.enter_context(hostile(tmp_path, way))
        answer_all(*(stack.enter_context(honest(tmp_path, name, REQUESTS)) for name in "ab"))
        assert Cost.of(collecting.pid).peak_rss_bytes < MOST_BYTES
        assert collecting.stop() == 0
    assert complete("a") == names("a")
    assert complete("b") == names("b")
    assert "Traceback" not in collecting.output()
    assert collecting.output().count("left alone") < 20


def test_a_collector_that_starts_among_damaged_segments_reads_the_sound_ones(tmp_path: Path) -> None:
    with ExitStack() as stack:
        for way in DAMAGES:
            stack.enter_context(hostile(tmp_path, way))
        answer_all(*(stack.enter_context(honest(tmp_path, name, REQUESTS)) for name in "ab"))
        done = attempt("collect", "--once")
    assert done.returncode == 0, done.stderr
    assert complete("a") | complete("b") == names("a") | names("b")
    assert "Traceback" not in done.stderr


def test_a_flood_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Records of requests that never begin filled the collector for good, once."""
    with collector(tmp_path) as collecting, hostile(tmp_path, "events"):
        with honest(tmp_path, "a", REQUESTS) as worker:
            answer_all(worker)
        assert collecting.stop() == 0
        assert complete("a") == names("a")


def test_holes_are_not_filled_by_reading_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory(dir="/dev/shm") as shared:
        monkeypatch.setenv("SCOPE_SEGMENT_DIR", f"{shared}/segments")
        with collector(tmp_path), hostile(tmp_path, "holes"), honest(tmp_path, "a", REQUESTS) as worker:
            answer_all(worker)
            [path] = Path(load().segment.dir).glob("*-hostile.seg")
            assert path.stat().st_blocks * 512 < 8 << 20
        assert complete("a") == names("a")
