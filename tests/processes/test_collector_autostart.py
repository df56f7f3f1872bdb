"""Collectors that the first traced worker starts."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scope.capture.autostart import is_collected
from scope.config import load
from tests.support.gates import Gates
from tests.support.load import loaded
from tests.support.servers import server
from tests.support.stored import stored, when_stored
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

AUTOSTART = {"SCOPE_COLLECTOR_AUTOSTART": "true", "SCOPE_COLLECTOR_IDLE_EXIT_S": "1"}


def collectors() -> list[int]:
    """The collector processes of this test's directory."""
    return [pid for pid in _processes() if _is_ours(pid)]


def collecting() -> int:
    """The one that holds the lock; the process that has started it may not have ended yet."""
    return int(eventually(Path(load().lock_path).read_text))


def _processes() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())


def _is_ours(pid: int) -> bool:
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return b"scope.collector" in command and f"SCOPE_DIR={load().dir}".encode() in variables
    return False


def log() -> str:
    path = Path(load().log_path)
    return path.read_text() if path.exists() else ""


def zombies(parents: list[int]) -> list[int]:
    """Ended children that nobody has asked about."""
    found: list[int] = []
    for pid in _processes():
        with suppress(OSError):
            state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
            if state == "Z" and int(parent) in parents:
                found.append(pid)
    return found


@pytest.fixture(autouse=True)
def nobody_stays() -> Iterator[None]:
    yield
    eventually(lambda: not collectors())


def test_two_workers_have_one_collector_which_ends_by_itself_and_leaves_nothing(tmp_path: Path) -> None:
    with server(tmp_path, workers=2, settings=AUTOSTART) as running:
        with loaded(running.port) as load_:
            load_.wait_for(100)
        pids = {when_stored(each).pid for each in load_.answered}
        eventually(lambda: len(collectors()) == 1)
        assert os.getsid(collecting()) not in {os.getsid(pid) for pid in [running.pid, *running.workers()]}
        eventually(lambda: not zombies([running.pid, *running.workers()]))
        assert running.stop() == 0
    eventually(lambda: not collectors())
    done = stored("http", "lifespan")
    assert done.keys() >= load_.answered
    assert {each.state for each in done.values()} == {"done"}
    assert {each.pid for each in done.values()} >= pids
    assert not is_collected(load().lock_path)
    assert list(Path(load().segment.dir).iterdir()) == []
    assert log().count("dead and stored") == 2
    assert "Traceback" not in log()


def test_the_collector_keeps_no_socket_of_the_server(tmp_path: Path) -> None:
    """A port would stay taken, and the next server could not start."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.set_inheritable(True)
        with server(tmp_path, settings=AUTOSTART, descriptors=[listening.fileno()]) as running:
            inherited = descriptors(os.getpid()) & descriptors(running.pid)
            assert any(each.startswith("socket:") for each in inherited)
            running.get("/hello/you", "a")
            when_stored("a")
            assert not any(each.startswith("socket:") for each in descriptors(collecting()))


def descriptors(pid: int) -> set[str]:
    found: set[str] = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(str(path.readlink()))
    return found


def test_a_killed_autostarted_collector_is_followed_by_that_of_the_next_worker(tmp_path: Path) -> None:
    gates = Gates(tmp_path / "gates")
    with server(tmp_path, settings={**AUTOSTART, **gates.environment}) as first:
        held = first.ask("/hold/here", "held")
        gates.reached("here")
        when_stored("held")
        os.kill(collecting(), signal.SIGKILL)
        eventually(lambda: not collectors())
        gates.open("here")
        held.answer()
        with server(tmp_path, settings=AUTOSTART, name="second") as second:
            second.get("/hello/you", "b")
            when_stored("b", lambda each: each.complete)
            when_stored("held", lambda each: each.complete)


def test_collectors_that_workers_start_at_the_same_time_settle_it_among_themselves(tmp_path: Path) -> None:
    """Every one but the first ends with 0, after a moment; nothing is in the log of them."""
    with server(tmp_path, workers=4, settings=AUTOSTART):
        eventually(lambda: len(list(Path(load().segment.dir).glob("*.seg"))) == 4)
        eventually(lambda: log().count("reading") == 4)
        eventually(lambda: len(collectors()) == 1)
        assert "already runs" not in log()
