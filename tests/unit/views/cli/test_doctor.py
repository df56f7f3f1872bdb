"""``scope doctor``: what it looks at, and what it makes of it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scope.collector.lock import Lock
from scope.config import KEYS, load, prepare_dirs
from scope.store import SegmentLosses, StoreError, StoreInfo
from scope.views.health.collector import check_collector
from scope.views.health.directory import check_directory
from scope.views.health.machine import check_machine, check_memory, segment_bytes
from scope.views.health.overhead import check_overhead
from scope.views.health.segments import check_segments
from scope.views.health.store import check_losses, check_store

if TYPE_CHECKING:
    from scope.config import Config
    from tests.unit.views.cli.conftest import Scope, Traced

NAMES = {
    "machine",
    "python",
    "core",
    "directory",
    "memory",
    "segments",
    "collector",
    "overhead",
    "store",
    "losses",
    "configuration",
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A session directory of its own, made, with nothing in it."""
    directory = tmp_path / "session"
    directory.mkdir(mode=0o700)
    return load(overrides={"dir": directory})


def made(folder: str) -> Path:
    Path(folder).mkdir(mode=0o700)
    return Path(folder)


# --- the command ---


def test_everything_is_checked_and_told(scope: Scope) -> None:
    result = scope("doctor")
    assert result.exit_code == 0, result.stdout
    assert {line.split()[1] for line in result.stdout.splitlines() if line[0] in "✓!✗"} == NAMES


def test_json_has_the_same_with_facts(scope: Scope, traced: Traced) -> None:
    made = json.loads(scope("doctor", "--json").stdout)
    assert made["healthy"] is True
    checks = {check["name"]: check for check in made["checks"]}
    assert set(checks) == NAMES
    assert checks["segments"]["facts"]["live"] == 1
    assert checks["segments"]["facts"]["segments"][0]["pid"] == traced.process.pid
    assert checks["collector"]["facts"]["running"] is False
    assert checks["store"]["facts"]["requests"] == 8
    assert checks["store"]["facts"]["open_requests"] == 1
    assert checks["configuration"]["facts"]["dir"] == {"value": str(traced.directory), "source": "argument"}
    assert set(checks["configuration"]["facts"]) == set(KEYS)


def test_something_wrong_exits_with_1(scope: Scope, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o775)
    result = scope("--dir", str(tmp_path / "open"), "doctor")
    assert result.exit_code == 1
    assert f"others can write to it; run: chmod go-w {tmp_path / 'open'}" in result.stdout


def test_a_machine_without_any_session_is_no_failure(scope: Scope, tmp_path: Path) -> None:
    result = scope("--dir", str(tmp_path / "none"), "doctor")
    assert result.exit_code == 0, result.stdout
    assert not (tmp_path / "none").exists(), "looking changes nothing"


# --- the directory ---


@pytest.mark.parametrize("where", ["dir", "segment"])
def test_the_directories_are_judged_as_those_who_write_there_judge_them(config: Config, where: str) -> None:
    prepare_dirs(config)
    path = Path(config.dir if where == "dir" else config.segment.dir)
    path.chmod(0o755)
    assert check_directory(config).status == "ok"
    path.chmod(0o720)
    check = check_directory(config)
    assert check.status == "failure"
    assert check.details == (f"{path}: others can write to it; run: chmod go-w {path}",)


def test_a_directory_of_another_user_is_a_failure(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    check = check_directory(config)
    assert check.status == "failure"
    assert "belongs to user" in check.details[0]


def test_a_file_or_link_in_place_of_the_directory_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        check = check_directory(load(overrides={"dir": tmp_path / name}))
        assert check.status == "failure"
        assert {"link": "symbolic link", "file": "not a directory"}[name] in check.details[0]
    assert check_directory(load(overrides={"dir": tmp_path / "file" / "below"})).status == "failure"


# --- the machine ---


def test_the_size_of_a_segment_follows_the_settings(config: Config) -> None:
    small = load(overrides={"dir": config.dir, "segment.lanes": 1})
    assert segment_bytes(small) == 2 * 4096 + 4096 + small.segment.definitions_bytes + small.segment.first_lane_bytes
    assert segment_bytes(config) - segment_bytes(small) == 63 * config.segment.lane_bytes + 7 * 4096


def test_too_little_memory_is_a_failure(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_memory(config).status == "ok"
    full = os.statvfs_result((4096, 4096, 1000, 10, 10, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    check = check_memory(config)
    assert check.status == "failure"
    assert "segment.lanes" in check.details[0]


def test_another_system_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Darwin", "host", "24.0", "", "arm64")))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert check_machine().status == "warning"


# --- segments ---


def test_segments_are_told_apart(config: Config, traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_segments(config).summary == "none"
    folder = traced.directory / "segments"
    (live,) = folder.iterdir()
    own = made(config.segment.dir)
    (own / "a-live.seg").hardlink_to(live)
    (own / "b-truncated.seg").write_bytes(live.read_bytes()[:5000])
    (own / "c-noise.seg").write_bytes(b"noise" * 1000)
    (own / "ignored.txt").touch()
    check = check_segments(config)
    assert check.status == "failure"
    assert check.summary == "1 live, 2 damaged"
    assert all(each["reason"] for each in check.facts["segments"] if each["kind"] == "damaged")
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert check_segments(config).facts["foreign"] == 3


def test_a_dead_segment_says_how_to_drain_it(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    class Segment:
        pid = 17

        def __init__(self, path: str) -> None: ...

        def alive(self) -> bool:
            return False

        def close(self) -> None: ...

    monkeypatch.setattr("scope.views.health.segments.Segment", Segment)
    (made(config.segment.dir) / "17-x.seg").touch()
    check = check_segments(config)
    assert check.status == "warning"
    assert check.details == ("17-x.seg: process 17 is gone; scope collect --once takes what it left",)


def test_a_segment_that_cannot_be_opened_is_damaged(config: Config) -> None:
    (made(config.segment.dir) / "folder.seg").mkdir()
    assert check_segments(config).facts["damaged"] == 1


def test_a_folder_that_cannot_be_listed_is_a_failure(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> Any:
        raise PermissionError(13, "Permission denied")

    made(config.segment.dir)
    monkeypatch.setattr(os, "scandir", refuse)
    assert check_segments(config).status == "failure"


# --- the collector ---


def write_status(config: Config, **fields: object) -> None:
    now_ns = time.time_ns()
    status = {"pid": 5, "started_ns": now_ns - 10**10, "updated_ns": now_ns, "cpu_ns": 10**8, **fields}
    Path(config.status_path).write_text(json.dumps(status))


def test_no_collector_is_a_warning_that_says_what_to_do(config: Config) -> None:
    check = check_collector(config, time.time_ns())
    assert check.status == "warning"
    assert "scope collect" in check.details[0]
    write_status(config, error="the disk is full")
    assert "the disk is full" in check_collector(config, time.time_ns()).details[1]


def test_a_running_collector_tells_how_it_is_doing(config: Config) -> None:
    with Lock(config.lock_path):
        assert check_collector(config, time.time_ns()).status == "warning"
        write_status(config, requests=7, events=70, rss_bytes=1 << 20)
        check = check_collector(config, time.time_ns())
        assert check.status == "ok"
        assert "pid 5, 1.0 % of a processor, 1 MiB" in check.summary
        assert "7 requests from 70 events" in check.summary
        assert check.facts["running"] is True


@pytest.mark.parametrize(
    ("fields", "problem"),
    [({"error": "the disk is full"}, "disk"), ({"updated_ns": 1}, "silent"), ({"lag_ns": 10**10}, "keep up")],
)
def test_a_collector_in_trouble_is_a_failure(config: Config, fields: dict[str, object], problem: str) -> None:
    with Lock(config.lock_path):
        write_status(config, **fields)
        check = check_collector(config, time.time_ns())
        assert check.status == "failure"
        assert problem in check.details[0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": "five"}'])
def test_a_status_that_makes_no_sense_counts_as_none(config: Config, text: str) -> None:
    Path(config.status_path).write_text(text)
    with Lock(config.lock_path):
        assert check_collector(config, time.time_ns()).status == "warning"


# --- what tracing costs ---


def test_what_tracing_costs_is_told_beside_the_budget(config: Config) -> None:
    with Lock(config.lock_path):
        write_status(config, workers_cpu_ns=10_000_000_000, tracing_ns=42_000_000, cpu_ns=300_000_000)
        check = check_overhead(config)
    assert check.status == "ok"
    assert check.summary == (
        "tracing takes 0.42 % of the CPU of the traced processes (budget 1 %),"
        " the collector 3.00 % of as much beside them"
    )
    assert check.facts["tracing_ns"] == 42_000_000
    assert check.facts["collector_cpu_ns"] == 300_000_000


def test_what_is_left_out_of_traces_is_told_by_process_with_what_cannot_be(config: Config) -> None:
    governed = [
        {"pid": 71, "level": 3, "share": 0.009, "boundaries": 0.002},
        {"pid": 72, "level": 8, "share": 0.032, "boundaries": 0.031},
        {"pid": "nonsense"},
        {"pid": 73},
    ]
    with Lock(config.lock_path):
        write_status(config, workers_cpu_ns=10**10, tracing_ns=10**8, governed=governed)
        check = check_overhead(config)
    assert check.status == "warning"
    assert check.details == (
        (
            "process 71: traces leave out functions that a request calls more than 1,000 times;"
            " tracing takes 0.9 % of its CPU now"
        ),
        (
            "process 72: traces leave out all functions; tracing takes 3.2 % of its CPU now,"
            " and cannot get below 3.1 %: boundaries of requests, spans and steps"
        ),
    )


def test_without_a_governor_there_is_no_budget(config: Config) -> None:
    free = load(overrides={"dir": config.dir, "governor.enabled": False})
    with Lock(config.lock_path):
        write_status(config, workers_cpu_ns=10**10, tracing_ns=10**8)
        check = check_overhead(free)
    assert "(budget none)" in check.summary
    assert check.facts["budget_percent"] is None


def test_without_a_collector_nobody_knows_what_tracing_costs(config: Config) -> None:
    write_status(config, workers_cpu_ns=10**10, tracing_ns=10**8)
    assert "not known yet" in check_overhead(config).summary


# --- the store ---


def info(**losses: int) -> StoreInfo:
    segment = SegmentLosses("uuid", 1, "shop", "host", 0, ended=False, lost=losses)
    return StoreInfo("/store", 1, 4096, 4096, 10, 1, (), (segment,))


def test_losses_are_told_by_reason_with_what_helps() -> None:
    assert check_losses(info()).status == "ok"
    check = check_losses(info(lapped=5, no_lane=2, unheard_of=1, full=0))
    assert check.status == "warning"
    assert check.summary == "8 events were lost"
    assert check.facts["by_reason"] == {"lapped": 5, "no_lane": 2, "unheard_of": 1}
    assert "raise segment.lane_bytes" in check.details[0]
    assert check.details[2] == "1 unheard_of"


def test_losses_are_told_by_process_and_lane() -> None:
    lanes = {-1: {"no_lane": 2}, 0: {"lapped": 5, "full": 0}, 7: {"full": 0}}
    loser = SegmentLosses("a", 11, "shop", "host", 0, ended=True, lost={"lapped": 5, "no_lane": 2}, lanes=lanes)
    nameless = SegmentLosses("b", 12, "", "host", 0, ended=False, lost={"forked": 1})
    spared = SegmentLosses("c", 13, "shop", "host", 0, ended=False, lost={"full": 0})
    check = check_losses(StoreInfo("/store", 1, 4096, 4096, 10, 1, (), (loser, nameless, spared)))
    assert check.details[3:] == (
        "shop (11): 5 lapped, 2 no_lane, ended",
        "    of no lane: 2 no_lane",
        "    lane 0: 5 lapped",
        "process 12: 1 forked",
    )
    assert check.facts["processes"] == [
        {"pid": 11, "lost": loser.lost, "lanes": lanes},
        {"pid": 12, "lost": nameless.lost, "lanes": {}},
    ]


def test_a_store_that_cannot_be_read_is_a_failure_and_a_missing_one_is_not(config: Config) -> None:
    assert check_store(config, StoreError("no")).status == "warning"
    made(config.store_dir)
    assert check_store(config, StoreError("it is damaged")).status == "failure"
    assert check_losses(StoreError("no")).status == "ok"
