"""``scope run`` with real servers whose applications were not prepared."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from scope.capture.autostart import is_collected
from scope.config import load
from tests.support.servers import Server, descendants, server
from tests.support.stored import stored
from tests.support.waiting import eventually

RUN = [sys.executable, "-m", "scope", "run", "--"]


def check_nothing_is_left() -> None:
    assert not is_collected(load().lock_path)
    assert list(Path(load().segment.dir).iterdir()) == []


@pytest.mark.parametrize(
    ("app", "route"), [("bare", None), ("starlette", "/items/{name}"), ("fastapi", "/items/{name}")]
)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_server_is_traced_and_everything_is_stored_when_it_has_ended(
    tmp_path: Path, app: str, route: str | None, workers: int
) -> None:
    with server(tmp_path, f"tests.support.unprepared:{app}", workers=workers, prefix=RUN) as running:
        for number in range(10):
            assert running.get(f"/items/{number}", f"id-{number}").id == f"id-{number}"
        code = running.stop()
    assert code == (0 if workers else 128 + signal.SIGTERM), running.output()
    done = stored()
    assert done.keys() == {f"id-{number}" for number in range(10)}
    assert {(each.route, each.status, each.complete) for each in done.values()} == {(route, 200, True)}
    assert {each.state for each in stored("lifespan").values()} == {"done"}
    check_nothing_is_left()


def collector_of(running: Server) -> int:
    """The collector that ``scope run`` has started."""
    return next(pid for pid in descendants(running.pid) if b"scope.collector" in _command(pid))


def _command(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def test_an_interrupt_reaches_the_server_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with server(tmp_path, "tests.support.unprepared:bare", prefix=RUN) as running:
        running.get("/", "a")
        assert running.stop(signal.SIGINT) in {0, 128 + signal.SIGINT}
    assert stored()["a"].complete
    check_nothing_is_left()


def test_a_run_that_is_killed_leaves_a_collector_only_as_long_as_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCOPE_COLLECTOR_IDLE_EXIT_S", "1")
    with server(tmp_path, "tests.support.unprepared:bare", prefix=RUN) as running:
        collecting = collector_of(running)
        [serving] = [pid for pid in descendants(running.pid) if pid != collecting]
        running.get("/", "a")
        os.kill(running.pid, signal.SIGKILL)
        running.get("/", "b")
        eventually(lambda: stored().keys() == {"a", "b"})
        os.kill(serving, signal.SIGTERM)
        eventually(lambda: not is_collected(load().lock_path))
    assert all(each.complete for each in stored().values())
    check_nothing_is_left()


def test_a_collector_that_is_killed_under_a_run_costs_nothing(tmp_path: Path) -> None:
    """Another one drains what is left when the server has ended."""
    with server(tmp_path, "tests.support.unprepared:bare", prefix=RUN) as running:
        running.get("/", "a")
        os.kill(collector_of(running), signal.SIGKILL)
        running.get("/", "b")
        assert running.stop() == 128 + signal.SIGTERM
    assert {name: each.complete for name, each in stored().items()} == {"a": True, "b": True}
    check_nothing_is_left()
