"""Collectors that are killed, stopped or not there at all: what the store has afterwards."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from scope.config import load
from scope.store import Reader
from tests.support.gates import Gates
from tests.support.load import loaded
from tests.support.servers import attempt, collector, scope, server
from tests.support.stored import listed, span_names, stored, when_stored
from tests.support.waiting import eventually

ROOMY = {"SCOPE_SEGMENT_FIRST_LANE_BYTES": "16MiB"}
"""So that nothing is overwritten however long this machine lets a collector wait."""


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path / "gates")


def test_collectors_killed_under_load_store_every_request_once(tmp_path: Path, gates: Gates) -> None:
    """What the rings held is there, and what was open at any of the kills."""
    with server(tmp_path, workers=2, settings={**gates.environment, **ROOMY}) as running:
        held = running.ask("/hold/here", "held")
        gates.reached("here")
        with loaded(running.port) as load_:
            for number in range(4):
                before = len(stored())
                with collector(tmp_path, name=f"collector-{number}") as killed:
                    eventually(lambda before=before: len(stored()) > before + 20)  # type: ignore[misc]
                    load_.wait_for(20)
                    killed.kill()
                assert stored()["held"].state == "open"
        gates.open("here")
        assert held.answer() is not None
        assert running.stop() == 0
    scope("collect", "--once")
    done = stored()
    assert done.keys() == load_.answered | {"held"}
    assert all(each.complete for each in done.values())
    assert span_names(done["held"]) == {"outer": "ok", "inner": "ok"}
    with Reader(load().store_dir) as reader:
        counted = sum(route.count for route in reader.routes() if route.kind == "http")
        assert counted == len(done)
        assert sum(sum(each.lost.values()) for each in reader.info().segments) == 0


def test_a_collector_that_is_terminated_stores_what_there_is_and_exits_with_0(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        with collector(tmp_path, settings={"SCOPE_COLLECTOR_COMMIT_MS": "10000"}) as ending:
            eventually(lambda: "reading" in ending.output())
            for number in range(10):
                running.get("/hello/you", str(number))
            assert ending.stop() == 0
        assert stored().keys() == set(map(str, range(10)))


def test_without_a_collector_the_application_runs_the_same_in_bounded_memory(tmp_path: Path) -> None:
    """The ring goes round; whoever collects later finds the last requests, and how much of the rest is lost."""
    small = {"SCOPE_SEGMENT_FIRST_LANE_BYTES": "64KiB", "SCOPE_SEGMENT_LANES": "4"}
    with server(tmp_path, settings=small) as running:
        taken: set[int] = set()
        for number in range(600):
            assert running.get("/hello/you", f"id-{number}").status == 200
            taken.add(_bytes_of_segments())
        assert len(taken) == 1
        assert taken.pop() < 1 << 20
        assert running.stop() < 0
    scope("collect", "--once")
    everything = listed()
    whole = {each.id for each in everything if each.complete}
    first = 600 - len(whole & {f"id-{number}" for number in range(600)})
    assert 0 < first < 590
    assert whole >= {f"id-{number}" for number in range(first, 600)}
    assert len(everything) - len(whole) <= 2, "the one that was overwritten in part, and the lifespan"
    with Reader(load().store_dir) as reader:
        [segment] = reader.info().segments
    lifespan = 2
    written = 600 * stored()["id-599"].events + lifespan
    assert segment.lost["lapped"] == written - sum(each.events for each in everything)


def _bytes_of_segments() -> int:
    return sum(path.stat().st_blocks * 512 for path in Path(load().segment.dir).iterdir())


def test_a_second_collector_says_who_runs_and_disturbs_nobody(tmp_path: Path) -> None:
    with collector(tmp_path) as first, server(tmp_path) as running:
        for once in ([], ["--once"]):
            second = attempt("collect", *once)
            assert second.returncode not in (0, None)
            assert re.search(rf"a collector \(process {first.pid}\) already runs for {load().dir}", second.stderr)
            assert "Traceback" not in second.stderr
        running.get("/hello/you", "a")
        when_stored("a", lambda each: each.complete)


def test_a_lock_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    Path(load().dir).mkdir(mode=0o700)
    Path(load().lock_path).symlink_to("/nonexistent/elsewhere")
    refused = attempt("collect", "--once")
    assert refused.returncode == 1
    assert "remove it, or set SCOPE_DIR" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_is_no_segment_is_named_and_everything_else_collected(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        running.get("/hello/you", "a")
        folder = Path(load().segment.dir)
        [sound] = folder.glob("*.seg")
        (folder / "garbage.seg").write_bytes(b"garbage" * 10_000)
        (folder / "cut.seg").write_bytes(sound.read_bytes()[:-4096])
        os.mkfifo(folder / "fifo.seg")
        (folder / "link.seg").symlink_to(sound)
        for name in ("garbage", "cut", "fifo"):
            os.utime(folder / f"{name}.seg", (1, 1))
        os.utime(folder / "link.seg", (1, 1), follow_symlinks=False)
        done = attempt("collect", "--once")
        assert done.returncode == 0
        assert stored()["a"].complete
        for name in ("garbage", "cut", "fifo", "link"):
            assert done.stderr.count(f"/{name}.seg") == 1
            assert os.path.lexists(folder / f"{name}.seg")
        report = attempt("doctor")
        assert report.returncode == 1
        assert all(f"{name}.seg: damaged" in report.stdout for name in ("garbage", "cut", "fifo", "link"))
