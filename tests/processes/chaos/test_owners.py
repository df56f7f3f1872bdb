"""Owners that are not who they seem: their segments are taken for dead exactly where that is proven."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from struct import pack_into, unpack_from
from typing import TYPE_CHECKING

import pytest

from scope.config import load
from tests.support.servers import QUIET, ROOT, attempt, collector
from tests.support.stored import listed
from tests.support.waiting import eventually

from .parties import Cost, answer_all, honest

if TYPE_CHECKING:
    from collections.abc import Callable

PID, BOOT_ID, NAMESPACE, BOOTTIME = 128, 144, 160, 184
REQUESTS = {f"a-{number}" for number in range(3)}


def pid_of_another(header: bytearray) -> None:
    """This test's; it has begun at another time."""
    pack_into("<Q", header, PID, os.getpid())


def ours_of_another_boot(header: bytearray) -> None:
    """Pid and start are those of a living process, by chance."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    pack_into("<QQ", header, PID, os.getpid(), ticks)
    pack_into("<16s", header, BOOT_ID, bytes(16))


def of_another_namespace(header: bytearray) -> None:
    pack_into("<Q", header, NAMESPACE, 1)


def suspended(header: bytearray) -> None:
    """The host has slept for a day: CLOCK_MONOTONIC stood still."""
    (boottime_ns,) = unpack_from("<Q", header, BOOTTIME)
    pack_into("<Q", header, BOOTTIME, boottime_ns + 86_400 * 10**9)


@pytest.mark.parametrize(
    ("change", "is_dead"),
    [(pid_of_another, True), (ours_of_another_boot, True), (of_another_namespace, False), (suspended, True)],
)
def test_a_segment_is_stored_whosever_it_is_and_removed_where_its_owner_is_proven_dead(
    tmp_path: Path, change: Callable[[bytearray], None], *, is_dead: bool
) -> None:
    with honest(tmp_path, "a", 3) as worker:
        answer_all(worker)
    [path] = Path(load().segment.dir).glob("*.seg")
    with path.open("r+b") as file:
        header = bytearray(file.read(4096))
        change(header)
        file.seek(0)
        file.write(header)
    for _ in range(2):
        done = attempt("collect", "--once")
        assert done.returncode == 0, done.stderr
        found = listed()
        assert {each.id for each in found if each.complete} == REQUESTS
        assert len(found) == len(REQUESTS)
        assert path.exists() is not is_dead


def test_dozens_of_processes_that_live_for_one_request_are_stored_once(tmp_path: Path) -> None:
    code = """
import asyncio, os
from tests.processes.chaos.honest import main
for number in range(80):
    if not os.fork():
        asyncio.run(main(f"p{number}", 1))
        os._exit(0)
    if number % 20 == 19:
        for _ in range(20):
            os.wait()
"""
    environment = {**os.environ, **QUIET, "SCOPE_SEGMENT_LANES": "2", "SCOPE_SEGMENT_FIRST_LANE_BYTES": "32KiB"}
    with collector(tmp_path) as collecting:
        subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, timeout=120, check=True)
        eventually(lambda: not any(Path(load().segment.dir).iterdir()))
        assert Cost.of(collecting.pid).peak_rss_bytes < 128 << 20
        assert collecting.stop() == 0
    assert sorted(each.id for each in listed() if each.complete) == sorted(f"p{number}-0" for number in range(80))
    assert "Traceback" not in collecting.output()


def test_dozens_of_segments_at_once_are_stored_once(tmp_path: Path) -> None:
    code = """
import asyncio, os
from tests.processes.chaos.honest import main
for number in range(80):
    if not os.fork():
        asyncio.run(main(f"p{number}", 1))
        os._exit(0)
    os.wait()
"""
    settings = {"SCOPE_SEGMENT_LANES": "2", "SCOPE_SEGMENT_FIRST_LANE_BYTES": "32KiB"}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **QUIET, **settings}, cwd=ROOT, check=True)
    assert len(list(Path(load().segment.dir).glob("*.seg"))) == 80
    done = attempt("collect", "--once")
    assert done.returncode == 0, done.stderr
    assert sorted(each.id for each in listed() if each.complete) == sorted(f"p{number}-0" for number in range(80))
    assert not any(Path(load().segment.dir).iterdir())
